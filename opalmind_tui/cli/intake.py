"""`track --from`: a stream of JSON lines into the queue, with the outcome of every line."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, aclosing, nullcontext
from functools import partial
from io import FileIO
from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct, field
from msgspec.structs import replace

from opalmind_tui import exits
from opalmind_tui.cli.feed import SourceUnreadable, batches, open_source, size_of
from opalmind_tui.cli.output import answer, say
from opalmind_tui.errors import OpalmindError, RefusedRequest, StoreUnavailable
from opalmind_tui.running import run
from opalmind_tui.settings import Settings
from opalmind_tui.tracking.ids import endpoint_code, new_id
from opalmind_tui.tracking.lines import Line
from opalmind_tui.tracking.prepare import refuse_what_only_a_token_lets_in

if TYPE_CHECKING:
    from opalmind_tui.engine.engine import Engine
    from opalmind_tui.engine.roles import Role
    from opalmind_tui.tracking.queue import Answer
    from opalmind_tui.tracking.request import TrackingRequest

OUTCOMES = ("accepted", "duplicate", "conflict", "refused")
LISTED = 1000
"""Most problems that the JSON summary lists; stderr names all of them."""
REASONS = {
    "duplicate": "its idempotency key is known, with the same payload",
    "conflict": "its idempotency key is taken by another payload",
}


Tell = Callable[[str], object]
Judge = Callable[["Engine", list[Line]], Awaitable[tuple[list[Line], Mapping[int, "Answer"]]]]


class OtherMatomo(OpalmindError):
    """The lines were accepted for another Matomo than the configured one."""


class Tally(Struct):
    """What has become of the lines so far.

    Args:
        doubt: the last line of the batch whose answer was lost: it and those from `not_taken` on may be queued.
        limit: lines that may be taken at the most; None for all.
    """

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    lines: int = 0
    problems: list[dict[str, Any]] = field(default_factory=list)
    not_taken: int | None = None
    doubt: int | None = None
    trouble: str = ""
    limit: int | None = None

    def within(self, lines: list[Line]) -> list[Line]:
        """Those of the next lines that the limit leaves."""
        return lines if self.limit is None else lines[: max(0, self.limit - self.lines)]

    def note(self, line: Line, found: Answer | None) -> None:
        """Count one line's outcome, and tell of it when it was not accepted."""
        outcome = "refused" if found is None else str(found.outcome)
        reason = f"{line.field}: {line.reason}" if found is None else _why(line, outcome)
        self.lines += 1
        self.counts[outcome] += 1
        if outcome == "accepted":
            return
        say(f"line {line.number}: {outcome}: {reason}")
        if len(self.problems) < LISTED:
            self.problems.append({"line": line.number, "outcome": outcome, "reason": reason})

    def stop_at(self, lines: list[Line], trouble: str, *, in_doubt: bool) -> None:
        """Remember where the taking ended."""
        waiting = [line.number for line in lines if line.request is not None]
        self.trouble = trouble
        if waiting:
            self.not_taken = waiting[0]
            self.doubt = waiting[-1] if in_doubt else None

    @property
    def code(self) -> int:
        """The exit code."""
        if self.not_taken is not None:
            return exits.CANNOT_TELL
        return exits.DEGRADED if self.counts["refused"] or self.counts["conflict"] else exits.OK


def take_export(
    settings: Settings, source: str, *, dry_run: bool, as_json: bool, limit: int | None = None, tell: Tell = answer
) -> int:
    """Take the lines of an export, as `take_file` does; `dry_run` only checks them."""
    from opalmind_tui.cli.reimport import judged

    judge = partial(judged, dry_run=dry_run)
    return take_file(settings, source, as_json=as_json, judge=judge, dry_run=dry_run, limit=limit, tell=tell)


def foresee_file(settings: Settings, source: str, *, as_json: bool, limit: int | None = None) -> int:
    """Say what `take_file` would make of the lines, and take none."""
    from opalmind_tui.cli.foreseeing import Foresight

    foresight = Foresight()

    async def judge(engine: Engine, lines: list[Line]) -> tuple[list[Line], Mapping[int, Answer]]:
        return await foresight.judged(engine, (await _offered_all(engine, lines))[0])

    return take_file(settings, source, as_json=as_json, judge=judge, dry_run=True, limit=limit)


async def _offered_all(engine: Engine, lines: list[Line]) -> tuple[list[Line], Mapping[int, Answer]]:
    """Every line is offered; without a token of ours, what only one lets in is refused."""
    return lines if engine.settings.matomo_token else [_without_token(line) for line in lines], {}


def take_file(
    settings: Settings,
    source: str,
    *,
    as_json: bool,
    judge: Judge = _offered_all,
    dry_run: bool = False,
    limit: int | None = None,
    tell: Tell = answer,
) -> int:
    """Take a file, or stdin for ``-``; returns the exit code. Raises `SourceUnreadable`.

    Args:
        judge: what is known of a batch before it is offered: its lines, some perhaps refused, and answers by number.
        dry_run: nothing is offered; `judge` knows all answers.
        limit: lines at the most; None for all.
        tell: writes the summary.
    """
    tally = Tally(limit=limit)
    with open_source(source) as stream, _bar(stream) as bar:
        at = 0

        def progress(end: int) -> None:
            nonlocal at
            if bar is not None:
                bar.update(end - at)
            at = end

        try:
            run(_take(settings, stream, tally, progress, judge, "status" if dry_run else "track"))
        except KeyboardInterrupt:
            _report(tally, as_json, tell)
            return exits.INTERRUPTED
        except (SourceUnreadable, OtherMatomo) as error:
            say(str(error))
            _report(tally, as_json, tell)
            return exits.UNUSABLE
    _report(tally, as_json, tell)
    return tally.code


def _bar(stream: FileIO) -> AbstractContextManager[Any]:
    """A progress bar on stderr, where it is a terminal and the size is known."""
    size = size_of(stream)
    if size is None or sys.stderr is None or not sys.stderr.isatty():
        return nullcontext()
    return click.progressbar(length=size, file=sys.stderr, show_eta=True)


async def _take(
    settings: Settings, stream: FileIO, tally: Tally, progress: Callable[[int], None], judge: Judge, role: Role
) -> None:
    from opalmind_tui.engine.engine import Engine

    engine = Engine(settings, role=role)
    try:
        try:
            await engine.start()
        except StoreUnavailable as error:
            tally.not_taken, tally.trouble = 1, str(error)
            return
        async with aclosing(batches(stream, settings.matomo_default_site_id)) as feed:
            async for read in feed:
                if not (lines := tally.within(read)):
                    return
                _check_endpoint(engine.endpoint, lines)
                if not await _offer(engine, lines, tally, judge):
                    return
                progress(lines[-1].end)
                _obey_ctrl_c(tally, lines[-1].number + 1)
    finally:
        await engine.stop()


def _obey_ctrl_c(tally: Tally, following: int) -> None:
    """Raise `CancelledError` where a library has swallowed it (asyncio.wait_for of Python 3.11 can)."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        tally.not_taken, tally.trouble = following, "Stopped."
        raise asyncio.CancelledError


async def _offer(engine: Engine, lines: list[Line], tally: Tally, judge: Judge) -> bool:
    """Offer the requests of these lines; False when the store failed, and nothing more can be taken."""
    known: Mapping[int, Answer] = {}
    try:
        lines, known = await judge(engine, lines)
        offered = [(one.request, one.id) for one in lines if one.request is not None and one.number not in known]
        answers = iter(await _offer_all(engine, offered) if offered else [])
    except StoreUnavailable as error:
        tally.stop_at(lines, str(error), in_doubt=error.in_doubt)
        lines = [line for line in lines if line.number < (tally.not_taken or 0)]
        answers = iter(())
    except asyncio.CancelledError:
        tally.stop_at(lines, "Stopped.", in_doubt=True)
        raise
    for line in lines:
        found = None if line.request is None else known.get(line.number) or next(answers)
        if found is None or not found.reason:
            tally.note(line, found)
        elif tally.not_taken is None:
            tally.not_taken, tally.trouble = line.number, found.reason[0].upper() + found.reason[1:] + "."
    return tally.not_taken is None


async def _offer_all(engine: Engine, offered: list[tuple[TrackingRequest, str]]) -> list[Answer]:
    """One answer each. What has an id already keeps it, so that it is taken once however often the file is read."""
    code = endpoint_code(engine.endpoint)
    ids = [request_id or new_id(code, request.visitor) for request, request_id in offered]
    return await engine.offer([request for request, _ in offered], ids)


def _without_token(line: Line) -> Line:
    """The line, refused where only a token would let it in. What was accepted before stays so."""
    if line.request is None or line.id:
        return line
    try:
        refuse_what_only_a_token_lets_in(line.request, time.time())
    except RefusedRequest as error:
        return replace(line, request=None, field=error.field, reason=error.reason)
    return line


def _check_endpoint(endpoint: str, lines: list[Line]) -> None:
    """A hand-over file belongs to the Matomo that its requests were accepted for. Raises `OtherMatomo`."""
    for line in lines:
        if line.endpoint and line.endpoint != endpoint:
            raise OtherMatomo(
                f"line {line.number} was accepted for {line.endpoint}, and this is {endpoint}: "
                "set MATOMO_BASE_URL to the Matomo that the file is for."
            )


def _why(line: Line, outcome: str) -> str:
    """Why a line that could be taken was not accepted."""
    if line.reason or not (line.id and outcome == "duplicate"):
        return line.reason or REASONS.get(outcome, "")
    return "its id, or its idempotency key, is known"


def _report(tally: Tally, as_json: bool, tell: Tell) -> None:
    if tally.not_taken is not None:
        say(f"line {tally.not_taken} is the first one not taken: {tally.trouble}")
        if tally.doubt is not None:
            say(f"The answer was lost, so lines {tally.not_taken} to {tally.doubt} may be queued all the same.")
    if not as_json:
        tell(f"{tally.lines} lines: " + ", ".join(f"{count} {name}" for name, count in tally.counts.items()))
        return
    document = {
        "lines": tally.lines, **tally.counts, "firstNotTaken": tally.not_taken, "inDoubtUntil": tally.doubt,
        "problems": tally.problems,
        "problemsOmitted": sum(tally.counts.values()) - tally.counts["accepted"] - len(tally.problems),
    }  # fmt: skip
    tell(json.dumps(document))
