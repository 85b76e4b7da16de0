"""The websites that the stand-in knows, and their goals."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Goal(Struct, frozen=True):
    """A goal of a site; one that is not `multiple` counts once a visit."""

    id: int
    name: str
    multiple: bool = False
    revenue: float = 0.0


class Site(Struct, frozen=True):
    """A website.

    Args:
        visits: visits on an average day of its made-up past.
    """

    id: int
    name: str
    url: str
    currency: str
    visits: int
    goals: tuple[Goal, ...] = ()

    def goal(self, number: int) -> Goal | None:
        """The goal with this id."""
        return next((goal for goal in self.goals if goal.id == number), None)


GOALS = (Goal(1, "Newsletter"), Goal(2, "Sample order", multiple=True), Goal(3, "Catalogue download", multiple=True))

SITES: Mapping[int, Site] = {
    site.id: site
    for site in (
        Site(1, "Lantern & Loom", "https://shop.example.com", "EUR", 1450, GOALS),
        Site(2, "Lantern & Loom Journal", "https://journal.example.com", "EUR", 620, GOALS),
        Site(3, "Field Notes Archive", "https://notes.example.org", "USD", 340, GOALS),
        Site(7, "Lantern & Loom Trade", "https://trade.example.com", "EUR", 90, GOALS),
        Site(8, "Sandbox", "https://sandbox.example.org", "EUR", 0, GOALS),
    )
}
