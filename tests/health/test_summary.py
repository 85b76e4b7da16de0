"""The hand-over: what it tells, and what no stranger can do with it."""

from __future__ import annotations

import re
from datetime import timedelta, timezone
from unicodedata import category

from msgspec.structs import replace

from opalmind_tui.health.summary import summary
from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.listing import Group, Groups, GroupView
from opalmind_tui.snapshot.model import Control, Gate, GateKind, Pause, Reading, Snapshot
from tests.tui.fixtures import NOW, healthy
from tests.tui.hostile import PAYLOADS, Poison
from tests.tui.trail import TRAIL

ZONE = timezone(timedelta(hours=1))
SECRET = "c0ffee" * 5
SETTINGS = Settings(matomo_token=SECRET)
GROUPS = Groups(GroupView(), (
    Group("k", "503 Service Unavailable", 503, "1", "pageview", 97, NOW - 900, NOW - 4, "x", 0),
    Group("l", "connection reset", None, "9", "event", 3, NOW - 9, NOW - 8, "y", 3),
), total=104, examined=104, matched=104)  # fmt: skip


def of(snapshot: Snapshot, groups: Groups = GROUPS, acts: tuple[object, ...] = TRAIL) -> str:
    return summary(snapshot, SETTINGS, groups=Reading(groups, NOW), acts=Reading(acts, NOW), zone=ZONE)  # type: ignore[arg-type]


def incident() -> Snapshot:
    view = healthy().queue.value
    assert view is not None
    gate = Gate(GateKind.BREAKER, NOW - 60, NOW + 8, "503 Service Unavailable")
    view = replace(view, gate=gate, control=Control(Pause("kim", "upgrade", NOW - 5, NOW + 60)))
    return replace(healthy(), queue=Reading(view, NOW), cause="Matomo answers 503 since 02:14 UTC (17 min).")


def test_it_tells_state_cause_errors_and_who_did_what_in_both_times() -> None:
    text = of(incident())
    for part in (
        "Matomo answers 503 since 02:14 UTC (17 min).", "2025-03-01 02:31:07 UTC (2025-03-01 03:31:07 +0100) by kim",
        "production", "db.internal:6379/0", "pending 4, scheduled 1, inflight 2", "dead 3", "paused by kim",
        "breaker since 02:30:07 UTC", "97  HTTP 503  site 1  pageview", "3  no answer", "4  others",
        "Set the time to live of events entries to 300 s -> The time to live of events entries is 300 s",
        "kim (opalmind, from •••) on bastion", "Memory is 80 % full",
    ):  # fmt: skip
        assert part in text, (part, text)
    away = summary(incident(), SETTINGS, groups=Reading(error="refused"), acts=Reading(error="refused"), zone=ZONE)
    assert away.count("cannot be read: refused") == 2
    assert "Of the first 104 failures" in of(incident(), replace(GROUPS, done=False))
    assert of(Snapshot())


def outside_fences(text: str) -> list[str]:
    """Lines that a reader of Markdown takes for Markdown."""
    found, fence = [], ""
    for line in text.split("\n"):
        run = re.match(r"`{3,}", line)
        if not fence and run:
            fence = run[0]
        elif fence and set(line.strip()) == {"`"} and len(line.strip()) >= len(fence):
            fence = ""
        elif not fence:
            found.append(line)
    assert not fence
    return found


OURS = {"# OpalMind hand-over", "## State", "## Most frequent errors", "## What was done, the newest first", ""}


def test_no_stranger_gets_out_of_a_fence_or_shows_a_control() -> None:
    breakers = ("```", "`" * 9 + "\n# PWNED\n", "\n```\n<script>", "~~~", "</pre>", "````text", "\r```\r")
    for start, text in enumerate((*breakers, *PAYLOADS)):
        poison = Poison(start)
        dirty = replace(poison(incident()), cause=text)
        groups = replace(GROUPS, groups=tuple(replace(one, error=text, site=text, kind=text) for one in GROUPS.groups))
        acts = tuple(replace(poison(one), what=text, outcome=text, by=text) for one in TRAIL)
        found = of(dirty, groups, acts)
        assert set(outside_fences(found)) <= OURS
        assert not any(category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") for char in found.replace("\n", ""))


def test_secrets_and_personal_data_are_masked_before_anything_is_cut() -> None:
    padding = "x" * 230
    for text in (
        f"token_auth={SECRET}", f"{padding}{SECRET}", f"Bearer {SECRET.upper()}", "mail bert@example.org now",
        f"{SECRET} " * 40, "from 203.0.113.7", "uid=bert-77", "2001:db8::7 said no", f"{padding} 203.0.113.7",
    ):  # fmt: skip
        groups = replace(GROUPS, groups=(replace(GROUPS.groups[0], error=text),))
        found = of(replace(incident(), cause=text), groups, tuple(replace(one, what=text) for one in TRAIL)).lower()
        for part in (SECRET, SECRET[:10], "bert@", "203.0.113", "bert-77", "2001:db8"):
            assert part not in found, (text, part)


def test_it_stays_small_whatever_there_is() -> None:
    many = replace(GROUPS, groups=tuple(replace(GROUPS.groups[0], error="日" * 5_000) for _ in range(500)))
    acts = tuple(replace(TRAIL[0], what="x" * 9_000, outcome="y" * 9_000) for _ in range(500))
    assert len(of(incident(), many, acts).encode()) < 40_000
