"""The Cache place: kinds of report, the entries of each, and the value of one."""

from opalmind_tui.tui.places.cache.place import CachePlace

__all__ = ["CachePlace"]
