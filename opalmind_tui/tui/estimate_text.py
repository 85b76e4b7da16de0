"""An estimate in words: "about", and between which bounds. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable

from opalmind_tui.snapshot.census import Estimate, KeyGroup
from opalmind_tui.tui import figures

Form = Callable[[float], str]


def keys_about(group: KeyGroup) -> tuple[str, str]:
    """How many keys, and the bounds of that; no bounds where they were counted."""
    return _about(group.keys, lambda value: figures.count(value, 6) if group.keys.exact else figures.short(value))


def memory_about(group: KeyGroup) -> tuple[str, str]:
    """How much memory, and the bounds of that; a dash where it may not be asked."""
    return _about(group.memory, figures.size) if group.memory else (figures.UNKNOWN, "")


def _about(found: Estimate, form: Form) -> tuple[str, str]:
    if found.exact:
        return form(found.value), ""
    high = form(found.high) if math.isfinite(found.high) else "?"
    return f"about {form(found.value)}", f"{form(found.low)}-{high}"
