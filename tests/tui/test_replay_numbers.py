"""A recording that is well-typed and nonsense is shown, or refused with a sentence: never a traceback (I9)."""

from __future__ import annotations

import gzip
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from opalmind_tui.recording.codec import Codec
from opalmind_tui.recording.form import BadRecording, head_line, line
from opalmind_tui.recording.opening import Recording
from opalmind_tui.recording.replay import Replay
from opalmind_tui.snapshot.model import Snapshot
from opalmind_tui.tui.app import OpalmindApp
from opalmind_tui.tui.places.table import PLACES
from tests.tui.numbers import MOST, at_random, changed, everything, hostile
from tests.tui.support import NEVER, screen_text, settled

CODER = Codec().of(Snapshot)
AT = 1_740_796_267.0


def written(snapshots: Sequence[Snapshot], moments: Sequence[float] = ()) -> bytes:
    """A file of them, each whole."""
    times = moments or [AT + number for number in range(len(snapshots))]
    rows = [line({"at": at, "full": CODER.plain(one, whole=True)}) for at, one in zip(times, snapshots, strict=True)]
    return gzip.compress(b"".join([head_line("0.1.0", AT), *rows]), 1)


async def test_no_number_of_a_recording_breaks_a_place() -> None:
    honest = await everything()
    bad = list(hostile(honest, range(3)))
    async with OpalmindApp(Replay(Recording(written([honest]))), interval=NEVER).run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        engines = [Replay(Recording(written([one]))) for one in bad]
        for place in PLACES:
            frame = pilot.app.frame
            frame.show(honest)
            await frame.go(place.id)
            await settled(pilot)
            for number, engine in enumerate(engines):
                frame.show(await engine.take_snapshot(frame.wanted))
                await pilot.pause()
                # An error while it draws ends the app, and is raised when the test leaves it.
                assert pilot.app.is_running, (place.id, number)
            assert screen_text(pilot).strip()
    for engine in engines:
        assert await engine.summary()


async def test_any_mixture_of_them_is_shown_or_refused() -> None:
    honest = await everything()
    shown = 0
    for seed in range(100, 120):
        try:
            engine = Replay(Recording(written([honest, changed(honest, at_random(seed, 0.3))])))
        except BadRecording:
            continue
        engine.playback.step(1)
        assert await engine.summary()
        shown += 1
    assert shown > 15


async def test_times_that_go_backwards_or_that_no_calendar_has() -> None:
    honest = await everything()
    moments = (1e12, 5.0, -1e12, AT, AT - 3600, 0.0, 1e12)
    engine = Replay(Recording(written([replace(honest, taken_at=at) for at in moments], moments)))
    async with OpalmindApp(engine, interval=NEVER, playback=engine.playback).run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        for keys in (["space"], [*["full_stop"] * 7], ["comma"]):
            await pilot.press(*keys)
            await settled(pilot)
        for typed in ("+5m", "-300h", "50%", "02:31", "9999-12-31 23:59", "0001-01-01 00:00", "+999999999999999h"):
            await pilot.press("J", *typed, "enter", "escape")
            await settled(pilot)
        for seconds in (0.1, 1e9):
            engine.playback.playing = True
            engine.playback.advance(seconds)
        assert "REPLAY" in screen_text(pilot) or "PLAYS" in screen_text(pilot)


@pytest.mark.parametrize("number", ["1e400", "NaN", "Infinity", str(10**30), str(-MOST - 1), "9" * 5_000])
async def test_a_number_that_is_none_is_refused_with_a_sentence(number: str) -> None:
    raw = gzip.decompress(written([await everything()]))
    for field in ('"takenAt":', '"dead":', '"roundTrip":', '"size":'):
        before, found, after = raw.decode().partition(field)
        assert found, field
        digits = len(after) - len(after.lstrip("0123456789.-e"))
        with pytest.raises(BadRecording, match="It is damaged"):
            Recording(gzip.compress(f"{before}{found}{number}{after[digits:]}".encode()))
