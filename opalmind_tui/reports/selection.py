"""Which entries of the cache are meant."""

from __future__ import annotations

from msgspec import Struct

from opalmind_tui.reports.key_text import feature_of, key_bytes


class Selection(Struct, frozen=True):
    """Entries by feature, by a text in their key, or one by its key; empty for all.

    Args:
        feature: one of `features.NAMES`, or empty for every feature.
        match: a text that the key holds; upper and lower case are the same.
        key: the whole key text, which is the key without its prefix.

    Keys under the prefix that are no key of a report are never selected.
    """

    feature: str = ""
    match: str = ""
    key: str = ""

    def covers(self, feature: str, key: str) -> bool:
        """Whether an entry of this process's memory is meant."""
        named = self.feature in ("", feature) and self.key in ("", key)
        return named and self.match.casefold() in key.casefold()

    def accepts(self, text: bytes) -> bool:
        """Whether a key (without its prefix) is meant."""
        if self.key and text != key_bytes(self.key):
            return False
        if self.match and self.match.casefold() not in text.decode("utf-8", "replace").casefold():
            return False
        feature = feature_of(text)
        return feature is not None and self.feature in ("", feature)


ALL = Selection()
"""Every entry."""
