"""The key of a report in the cache: byte-identical to what OpalMind services make of the same call."""

from __future__ import annotations

from opalmind_tui.reports.features import Feature, Input
from opalmind_tui.reports.js_json import parse, stringify

_LONGEST = 64 * 1024
"""Bytes of a key text that is still looked into."""


def key_text(feature: Feature, asked: Input) -> str:
    """``{"feature":F,"input":{...}}``: fields in the recorded order, absent ones left out, no spaces."""
    given = {name: asked[name] for name in feature.fields if name in asked}
    return stringify({"feature": feature.name, "input": given})


def feature_of(text: bytes) -> str | None:
    """The feature that a key text (a key without its prefix) belongs to; None where it is no key of a report."""
    if not text.startswith(b'{"feature":"') or len(text) > _LONGEST:
        return None
    try:
        data = parse(text)
    except ValueError:
        return None
    if not isinstance(data, dict) or tuple(data) != ("feature", "input"):
        return None
    feature, asked = data["feature"], data["input"]
    return feature if isinstance(feature, str) and isinstance(asked, dict) else None


def key_of(text: bytes) -> str:
    """Any key text as a text that `key_bytes` turns back: bytes that are no UTF-8 become halves of surrogate pairs."""
    return text.decode("utf-8", "surrogateescape")


def key_bytes(key: str) -> bytes:
    """The key text that `key_of` made a text of, or that somebody typed."""
    try:
        return key.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return key.encode("utf-8", "surrogatepass")
