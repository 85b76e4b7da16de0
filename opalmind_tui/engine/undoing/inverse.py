"""What takes an act back, as text for the audit stream, and read from there again: that text may be from anybody."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from typing import Any

import orjson

from opalmind_tui.snapshot.commands import Act, Command, TtlTarget
from opalmind_tui.tracking.ids import ID_LENGTH

MOST_NAMED = 1_000
"""Requests that one inverse names."""
_LONGEST = 200
"""Characters of a text."""


def _ids(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= MOST_NAMED
        and all(isinstance(one, str) and one.isascii() and len(one) == ID_LENGTH for one in value)
    )


def _number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value) and value >= 0


def _text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST


def _target(value: Any) -> bool:
    return value in tuple(TtlTarget)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


_FIELDS: dict[Act, dict[str, Callable[[Any], bool]]] = {
    Act.RESTORE: {"ids": _ids, "since": _number, "until": _number},
    Act.SET_TTL: {"target": _target, "feature": _text, "seconds": _number, "existing": _flag},
    Act.PAUSE: {"reason": _text, "seconds": _number},
    Act.RESUME: {},
    Act.LIMIT: {"per_second": _number, "reason": _text},
}
"""The acts that take something back, and what is sound in each of their fields."""
_ONE_MATOMO = (Act.PAUSE, Act.RESUME, Act.LIMIT)
"""They concern delivery to one Matomo: whoever looks at another one cannot take them back."""


def encoded(command: Command, endpoint: str) -> str:
    """A command as text."""
    fields = {name: getattr(command, name) for name in _FIELDS[command.act]}
    matomo = {"matomo": _short(endpoint)} if command.act in _ONE_MATOMO else {}
    return orjson.dumps({"act": command.act, **fields, **matomo}).decode()


def decoded(text: str, endpoint: str) -> Command | None:
    """The command, or None for what is none of ours or concerns another Matomo."""
    try:
        data = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(data, dict) or data.get("act") not in tuple(_FIELDS):
        return None
    act = Act(data["act"])
    if act in _ONE_MATOMO and data.get("matomo") != _short(endpoint):
        return None
    if act is Act.RESTORE and not (data.get("ids") or data.get("since")):
        return None
    fields = _FIELDS[act]
    if not all(name in data and sound(data[name]) for name, sound in fields.items()):
        return None
    values: dict[str, Any] = {name: tuple(data[name]) if name == "ids" else data[name] for name in fields}
    if act is Act.SET_TTL:
        values["target"] = TtlTarget(values["target"])
    return Command(act, **values)


def _short(endpoint: str) -> str:
    """Tells one Matomo from another without its address."""
    return hashlib.sha256(endpoint.encode("utf-8", "replace")).hexdigest()[:12]
