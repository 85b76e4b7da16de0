"""What lives only in memory at the end goes to a file, which the queue takes back: once, as it was."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from opalmind_tui.demo.matomo.behaviour import Behaviour
from opalmind_tui.engine import ending, hand_over
from opalmind_tui.engine.engine import Engine
from opalmind_tui.engine.hand_over import HandOver
from opalmind_tui.storage.local_server import free_port
from opalmind_tui.tracking.fields import goal
from opalmind_tui.tracking.queue import Adopted
from tests.engine.conftest import Ground, hits, until

ENDPOINT = "https://matomo.example.org/matomo.php"
Save = Callable[[tuple[Path, ...]], HandOver]


@pytest.fixture(autouse=True)
def _own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def away() -> str:
    return f"redis://127.0.0.1:{free_port()}/0"


def lines_of(handed: HandOver) -> list[dict[str, object]]:
    assert handed.path is not None
    return [json.loads(line) for line in handed.path.read_bytes().splitlines()]


async def test_with_redis_and_matomo_away_the_requests_go_to_a_file(
    ground: Ground, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    await ground.matomo.behave(Behaviour(listening=False))
    engine = await ground.engine(redis_url=away())
    offered = hits(3)
    answers = await engine.offer(offered)
    await engine.stop()
    handed = engine.handed_over
    assert handed is not None
    assert handed.path is not None
    assert (engine.lost, handed.requests, handed.failures) == (0, 3, ())
    assert handed.path.parent == tmp_path / "state" / "opalmind-tui"
    assert handed.path.stat().st_mode & 0o777 == 0o600
    assert handed.path.parent.stat().st_mode & 0o777 == 0o700
    lines = lines_of(handed)
    assert [line["id"] for line in lines] == [answer.id for answer in answers]
    assert {line["endpoint"] for line in lines} == {engine.endpoint}
    assert [line["params"] for line in lines] == [dict(request.params) for request in offered]
    assert f"saved in {handed.path}" in caplog.text
    assert ground.settings.matomo_token not in handed.path.read_text()
    await engine.stop()
    assert len(list(handed.path.parent.iterdir())) == 1, "a second stop writes nothing"


async def test_what_was_posted_and_not_answered_is_marked(ground: Ground) -> None:
    await ground.matomo.behave(Behaviour(latency=60.0))
    engine = await ground.engine(redis_url=away())
    await engine.offer(hits(4))

    async def posted() -> bool:
        return any(line.unknown for line in engine._stores.memory.everything())

    await until(posted)
    await engine.stop()
    handed = engine.handed_over
    assert handed is not None
    assert handed.requests == 4
    assert 0 < handed.unknown == sum(line.get("unknown") is True for line in lines_of(handed))
    assert 'marked "unknown"' in handed.sentence


async def test_who_has_no_patience_gets_the_file_all_the_same(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(self: object) -> None:
        await asyncio.sleep(3600)

    await ground.matomo.behave(Behaviour(listening=False))
    engine = await ground.engine(redis_url=away())
    await engine.offer(hits(2))
    with monkeypatch.context() as patched:
        patched.setattr(ending.Ending, "leave", hang)
        stopping = asyncio.create_task(engine.stop())
        await asyncio.wait({stopping}, timeout=2.0)
        stopping.cancel()
        await asyncio.gather(stopping, return_exceptions=True)
    assert engine.handed_over is not None
    assert len(lines_of(engine.handed_over)) == 2


async def test_an_operator_may_leave_them_behind(ground: Ground, tmp_path: Path) -> None:
    await ground.matomo.behave(Behaviour(listening=False))
    engine = await ground.engine(redis_url=away())
    await engine.offer(hits(2))
    engine.leave_behind()
    await engine.stop()
    assert engine.lost == 0
    assert not (tmp_path / "state").exists()


async def test_what_moved_to_redis_needs_no_file(ground: Ground, tmp_path: Path) -> None:
    engine = await ground.engine()
    await engine.offer(hits(2))
    await engine.stop()
    assert engine.handed_over is None
    assert not (tmp_path / "state").exists()


def some(count: int) -> Callable[[], list[Adopted]]:
    request = goal({"goalId": 1, "visitorId": "0" * 16}, default_site_id=1)
    return lambda: [Adopted(f"{at:014d}", request, ENDPOINT, accepted=1.7e9) for at in range(count)]


@pytest.mark.skipif(os.getuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_that_may_not_be_written_is_named_and_the_next_one_tried(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    handed = hand_over.save(some(2), (tmp_path / "locked", tmp_path / "open"))
    assert handed.path is not None
    assert handed.path.parent == tmp_path / "open"
    assert f"{tmp_path / 'locked'} cannot take a file: Permission denied" in handed.sentence


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    handed = hand_over.save(some(2), (tmp_path / "file", tmp_path / "file" / "below"))
    assert handed.path is None
    assert handed.requests == 2
    assert handed.sentence.startswith("2 accepted requests lived only in this process and are lost")
    assert str(tmp_path / "file" / "below") in handed.sentence


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
def test_a_full_disk_leaves_no_half_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def full(path: object, *more: int) -> int:
        if str(path).startswith(str(tmp_path / "full")):
            real(path, *more)  # type: ignore[call-overload]
            return real("/dev/full", os.O_WRONLY)
        return real(path, *more)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(os, "open", full)
    handed = hand_over.save(some(2), (tmp_path / "full", tmp_path / "good"))
    assert "No space left on device" in handed.sentence
    assert list((tmp_path / "full").iterdir()) == []
    assert len(lines_of(handed)) == 2


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    paths = {hand_over.save(some(1), (tmp_path,)).path for _ in range(20)}
    assert len(paths) == 20 == len(list(tmp_path.iterdir()))


async def test_lost_counts_what_no_folder_took(ground: Ground, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(hand_over, "folders", lambda: (tmp_path / "file",))
    await ground.matomo.behave(Behaviour(listening=False))
    engine: Engine = await ground.engine(redis_url=away())
    await engine.offer(hits(3))
    await engine.stop()
    assert engine.lost == 3


async def test_the_file_of_another_process_is_taken_by_the_queue_once(ground: Ground) -> None:
    from opalmind_tui.tracking.lines import read_lines

    await ground.matomo.behave(Behaviour(listening=False))
    first = await ground.engine(redis_url=away())
    # Without a key, too: the id keeps it from being taken twice, before and after its delivery.
    await first.offer([replace(request, key="") for request in hits(2)] + hits(2, start=2))
    await first.stop()
    assert first.handed_over is not None
    assert first.handed_over.path is not None
    await ground.matomo.behave(Behaviour())
    second = await ground.engine(deliver=True)
    for delivered in (0, 4):
        found = [line for batch in read_lines([first.handed_over.path.read_bytes()]) for line in batch]
        requests = [line.request for line in found if line.request is not None]
        answers = await second.offer(requests, [line.id for line in found])
        assert {str(answer.outcome) for answer in answers} == {"duplicate" if delivered else "accepted"}

        async def stored() -> bool:
            return ground.matomo.journal.stored == 4

        await until(stored)

        async def settled() -> bool:
            return (await second.queue_view()).delivered == 4

        await until(settled)
    view = await second.queue_view()
    assert (view.accepted, view.ledger_difference) == (4, 0)
    assert not ground.matomo.journal.repeated("url")
