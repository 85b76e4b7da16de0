"""From figures and limits to a verdict: the health document, the same for a screen, and the one sentence about it.

Everything here is pure: it reads no clock and no server.
"""

from opalmind_tui.health.cause import cause_line
from opalmind_tui.health.document import health_document, health_view
from opalmind_tui.health.facts import Facts, SiteAccess

__all__ = ["Facts", "SiteAccess", "cause_line", "health_document", "health_view"]
