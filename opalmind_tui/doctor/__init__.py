"""From what is known of Redis, queue, cache and Matomo to findings: each with its cause, its consequence and a remedy.

`facts` is what is known, `checks` the one table of checks. Everything here is pure: it reads no clock and no server.
"""

from opalmind_tui.doctor.checks import diagnose
from opalmind_tui.doctor.facts import Facts, Place, Token

__all__ = ["Facts", "Place", "Token", "diagnose"]
