"""A stand-in for Matomo that answers over real HTTP as a recorded Matomo 5.2 did."""

from opalmind_tui.demo.matomo.behaviour import Asked, Behaviour
from opalmind_tui.demo.matomo.faults import FAULTS
from opalmind_tui.demo.matomo.journal import Hit, Journal, Post
from opalmind_tui.demo.matomo.server import StandIn

__all__ = ["FAULTS", "Asked", "Behaviour", "Hit", "Journal", "Post", "StandIn"]
