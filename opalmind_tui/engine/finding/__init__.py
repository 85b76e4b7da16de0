"""The lists of the queue screen: windows, searches, groups, and all that is known of one request."""

from opalmind_tui.engine.finding.finding import Finding

__all__ = ["Finding"]
