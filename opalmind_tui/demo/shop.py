"""The invented shop of the demo, in tables: its pages, campaigns, events and visitors. The names are nobody's."""

from __future__ import annotations

from msgspec import Struct


class Page(Struct, frozen=True):
    """A page with its share of the views, and the pages that readers go to next."""

    path: str
    title: str
    weight: float
    seconds: float
    """Time that a reader stays on average."""


PAGES: tuple[Page, ...] = (
    Page("/", "Lantern & Loom: lamps, cloth, paper", 18, 22),
    Page("/lamps", "Lamps", 11, 35),
    Page("/lamps/harbour-lantern", "Harbour lantern", 8, 64),
    Page("/lamps/reading-light-no-4", "Reading light No. 4", 6, 58),
    Page("/cloth", "Cloth by the metre", 8, 41),
    Page("/cloth/indigo-twill", "Indigo twill", 5, 66),
    Page("/paper", "Paper and notebooks", 6, 33),
    Page("/paper/field-notebook", "Field notebook, 96 pages", 4, 47),
    Page("/journal/how-a-lantern-is-made", "How a lantern is made", 7, 140),
    Page("/journal/caring-for-linen", "Caring for linen", 5, 118),
    Page("/search?q=linen", "Search: linen", 2, 18),
    Page("/help/delivery", "Delivery and returns", 4, 52),
    Page("/cart", "Your basket", 6, 38),
    Page("/checkout/address", "Checkout: address", 4, 74),
    Page("/checkout/payment", "Checkout: payment", 3, 61),
    Page("/checkout/thank-you", "Thank you", 2, 16),
    Page("/wholesale/angebot-für-händler", "Angebot für Händler", 1, 90),
)

FUNNEL = ("/cart", "/checkout/address", "/checkout/payment", "/checkout/thank-you")
"""The steps to an order, each with the page that it is reached by."""

CAMPAIGNS = (("spring-linen", 9.0), ("newsletter-42", 6.0), ("harbour-lantern", 3.0), ("catalogue-2026", 2.0))

EVENTS: tuple[tuple[str, str, str, float | None, float], ...] = (
    ("Basket", "Add", "Harbour lantern", 84.0, 8),
    ("Basket", "Add", "Indigo twill", 26.5, 6),
    ("Basket", "Remove", "Harbour lantern", None, 2),
    ("Video", "Play", "Loom at work", None, 5),
    ("Video", "Pause", "Loom at work", None, 3),
    ("Form", "Submit", "Swatch request", None, 3),
    ("Filter", "Colour", "Indigo", None, 6),
    ("Filter", "Price", "Under 50", 50.0, 4),
    ("Download", "Catalogue", "Spring catalogue", None, 2),
)
"""Category, action, name, value (None: without one) and weight."""

REFERRERS: tuple[tuple[str, str, int, float], ...] = (
    ("Direct Entry", "direct", 1, 34),
    ("Search Engines", "search", 2, 38),
    ("Websites", "website", 3, 13),
    ("Campaigns", "campaign", 6, 11),
    ("Social Networks", "social", 7, 4),
)
"""Label, Matomo's segment word and number, and weight."""

LINKS = (
    "https://search.example.net/?q=lantern",
    "https://blog.example.org/on-lamps",
    "https://social.example.net/p/17",
)
"""Where visitors come from, for those who come by a link."""

DEVICES: tuple[tuple[str, str, float], ...] = (
    ("Desktop", "desktop", 41), ("Smartphone", "smartphone", 48), ("Tablet", "tablet", 8), ("Phablet", "phablet", 2),
    ("Unknown", "unknown", 1),
)  # fmt: skip

AGENTS: tuple[tuple[str, str, float], ...] = (
    ("Desktop", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", 20),
    ("Desktop", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/139.0.0.0 Safari/537.36", 28),
    ("Smartphone", "Mozilla/5.0 (Linux; Android 15; Pixel 9) Chrome/139.0.0.0 Mobile Safari/537.36", 26),
    ("Smartphone", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Mobile/15E148 Safari/604.1", 20),
    ("Tablet", "Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Safari/604.1", 6),
)  # fmt: skip
"""Device, user agent, weight."""

LANGUAGES = ("de-DE,de;q=0.9,en;q=0.6", "en-GB,en;q=0.8", "fr-FR,fr;q=0.9", "sv-SE,sv;q=0.8")
