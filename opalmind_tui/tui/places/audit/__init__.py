"""The Audit place: who did what, when, and what came of it; and who is connected now."""

from opalmind_tui.tui.places.audit.place import AuditPlace

__all__ = ["AuditPlace"]
