"""What strangers may write into a field that the dashboard shows."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from msgspec import Struct
from msgspec.structs import fields, replace

from opalmind_tui.snapshot.commands import Command, Plan
from opalmind_tui.snapshot.model import Snapshot
from opalmind_tui.snapshot.wanted import NEWEST, Wanted
from tests.tui.engine import FakeEngine

RECORDED = Path(__file__).parent.parent / "data" / "tui" / "hostile.jsonl"
MARKUP = (
    "[red]X[/red]",
    "[/nope]",
    "[true, false]",
    "[@click=app.quit]go[/]",
    "[00]",
    "[a='b]",
    "[link=https://e.example]x[/link]",
)
CONTROLS = (
    "\x1b[35mPURPLE",
    "\x1b]52;c;ZXZpbA==\x1b\\",
    "\x1b]0;title\x1b\\",
    "\x9b31mC1",
    "\x90dcs\x9c",
    "\x9d52;c;ZXZpbA==\x9c",
    "nul\x00soh\x01del\x7f",
    "\u202egnp.exe",
    "\u2066isolate\u2069",
    "\ufeffbom\u200bzero",
    "\x1b[2J\x1b[1;1Hfaked",
    "\x1b[6n\x1b[c",
    "tab\there\r\nline\x85next\u2028sep",
    "bell\x07back\x08\x0b\x0c",
    "lone\ud800surrogate",
    "Z\u0351\u0352\u0353\u0354\u0355\u0351\u0352algo",
    "👨\u200d👩\u200d👧 🇩🇪 👍🏽 ❤\ufe0f",
    "日本語" * 60,
    "x" * 5_000,
    "$HOME `id` %s {} \\",
    "   ",
)


def recorded() -> Iterator[str]:
    """Titles and addresses that were really sent to a Matomo."""
    for row in RECORDED.read_text("utf-8").splitlines():
        record = json.loads(row)
        body = b64decode(record["body_base64"]) if "body_base64" in record else record["body"].encode()
        for name, values in parse_qs(body.decode("latin-1"), errors="surrogateescape").items():
            if name in ("url", "action_name", "uid", "e_c", "e_a", "e_n"):
                yield from values


PAYLOADS = (*MARKUP, *CONTROLS, *dict.fromkeys(recorded()))


class Poison:
    """Puts payloads into every text of a value, a different one into each."""

    def __init__(self, start: int = 0) -> None:
        self._next = start

    def text(self) -> str:
        """The next payload."""
        self._next += 1
        return PAYLOADS[self._next % len(PAYLOADS)]

    def __call__(self, value: Any, name: str = "") -> Any:
        if isinstance(value, Enum) or name in ("id", "ttl_origin"):
            return value
        if isinstance(value, str):
            return self.text()
        if isinstance(value, tuple):
            return tuple(self(one) for one in value)
        if isinstance(value, Struct):
            return replace(value, **{one.name: self(getattr(value, one.name), one.name) for one in fields(value)})
        return value


def poisoned(snapshot: Snapshot, start: int = 0) -> Snapshot:
    """A snapshot in which no text can be trusted; the names of the figures stay."""
    return replace(Poison(start)(snapshot), history=snapshot.history)


def poisoned_plan(command: Command) -> Plan:
    """A plan in which no text can be trusted."""
    poison = Poison()
    skipped = tuple((poison.text(), 1) for _ in PAYLOADS[:6])
    consequences = tuple(poison.text() for _ in PAYLOADS)
    return Plan(command, poison.text(), 3, skipped, consequences, poison.text(), ids=command.ids)


class HostileEngine(FakeEngine):
    """An engine of whose texts none can be trusted.

    Args:
        snapshot: an honest one; each look poisons it anew, from the payload number `start` on.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__(snapshot, poisoned_plan)
        self.start = 0
        self.summed_up = "\n".join(PAYLOADS)

    async def take_snapshot(self, wanted: Wanted = NEWEST) -> Snapshot:
        taken = await super().take_snapshot(wanted)
        poison = Poison(self.start)
        bad = replace(poison(replace(taken, entries=None)), history=taken.history, entries=taken.entries)
        bad = replace(bad, identity=replace(bad.identity, demo=taken.identity.demo))
        for name in ("listing", "groups", "audit"):
            reading = getattr(taken, name)
            if reading is not None and reading.value is not None:
                value = replace(poison(reading.value), view=reading.value.view)
                bad = replace(bad, **{name: replace(reading, value=value)})
        return bad

    async def request_detail(self, request_id: str, *, reveal: bool = False, start: int = 0) -> Any:
        return Poison(self.start)(await super().request_detail(request_id, reveal=reveal, start=start))

    async def entry_part(self, key: str, start: int = 0) -> Any:
        return Poison(self.start)(await super().entry_part(key, start))

    async def ttl_preview(self, feature: str, seconds: float | None = None) -> Any:
        return replace(Poison(self.start)(await super().ttl_preview(feature, seconds)), feature=feature)

    async def diagnose(self) -> Any:
        found = await super().diagnose()
        return replace(found, findings=Poison(self.start)(found.findings))
