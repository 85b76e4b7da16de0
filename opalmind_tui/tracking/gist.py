"""What a list shows of a request, beside its id and what the queue knows of it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from opalmind_tui.tracking.request import parts_of


class Gist(Struct, frozen=True, gc=False):
    """Kind and site of a request, its whole idempotency key, and what it is about."""

    kind: str
    label: str
    site: str
    key: str


def gist_of(kind: str, key: str, params: Mapping[str, str]) -> Gist:
    """The gist of a request."""
    return Gist(kind, label_of(kind, params), params.get("idsite", ""), key)


def gist_in(body: bytes) -> Gist:
    """The gist of a stored request; an empty one of bytes that are none."""
    parts = parts_of(body)
    return Gist("raw", "", "", "") if parts is None else gist_of(*parts)


def label_of(kind: str, params: Mapping[str, str]) -> str:
    """What a request is about: event category and action, goal, else its url."""
    if kind == "event" or (kind == "raw" and "e_c" in params):
        return f"{params.get('e_c', '')} / {params.get('e_a', '')}"
    if kind == "goal" or (kind == "raw" and "idgoal" in params):
        return f"goal {params.get('idgoal', '')}"
    return params.get("url") or params.get("action_name", "")
