"""Sizes as the findings say them."""

from __future__ import annotations

_UNITS = ("kB", "MB", "GB", "TB")


def size(octets: float) -> str:
    """``900 B``, ``4.0 kB``, ``512 MB``: units of 1024, as Redis counts them."""
    if octets < 1024:
        return f"{octets:.0f} B"
    for unit in _UNITS:
        octets /= 1024
        if octets < 1024 or unit == _UNITS[-1]:
            break
    return f"{octets:.0f} {unit}" if octets >= 100 else f"{octets:.1f} {unit}"
