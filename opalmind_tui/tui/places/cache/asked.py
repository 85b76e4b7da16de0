"""What a key of a report asks for, in words."""

from __future__ import annotations

import json
from functools import lru_cache

from msgspec import Struct

LONGEST = 64 * 1024
"""Characters of a key that is looked into."""
_KEPT, _LONGEST_KEPT = 1_000, 4_000
"""Answers that are kept, and characters of a key whose answer is: a stranger's key may have any length."""


class Asked(Struct, frozen=True):
    """The input of a report. All text is raw.

    Args:
        site: the number of the site; empty where the key names none.
        words: the other fields, each as ``name value``; the key itself where it is no key of a report.
    """

    site: str = ""
    words: str = ""


def asked_for(key: str) -> Asked:
    """Read a key text."""
    return _kept(key) if len(key) <= _LONGEST_KEPT else _read(key)


@lru_cache(maxsize=_KEPT)
def _kept(key: str) -> Asked:
    return _read(key)


def _read(key: str) -> Asked:
    try:
        data = json.loads(key, parse_int=str, parse_float=str) if len(key) <= LONGEST else None
    except (ValueError, RecursionError):
        data = None
    fields = data.get("input") if isinstance(data, dict) else None
    if not isinstance(fields, dict):
        return Asked("", key)
    site = fields.get("siteId")
    shown = [
        f"{name} {_word(value)}" for name, value in fields.items() if name != "siteId" or not isinstance(site, str)
    ]
    return Asked(site if isinstance(site, str) else "", "  ".join(shown))


def _word(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
