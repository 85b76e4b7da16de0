"""`queue export` and `queue import`: requests as JSON lines, from one queue to another, or to a file and back."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from opalmind_tui import exits
from opalmind_tui.cli.asking import with_engine
from opalmind_tui.cli.changing import NotConfirmed, ask, need_terminal
from opalmind_tui.cli.options import WithSettings, need_matomo, need_writing, settings_options, store_of
from opalmind_tui.cli.output import AnswerLost, answer, answer_raw, say
from opalmind_tui.private_file import create
from opalmind_tui.snapshot.filters import FIELDS, parse_filter
from opalmind_tui.snapshot.model import State
from opalmind_tui.text import safe_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opalmind_tui.engine.engine import Engine

WHOLE_QUEUE = (State.PENDING, State.SCHEDULED, State.INFLIGHT, State.DEAD)
STATES = (*WHOLE_QUEUE, State.TRASH)
"""What can be exported. What Matomo rejected would be rejected again."""
FILTER_HELP = "Only what fits: words, and field:value for " + ", ".join(FIELDS) + "; - before it for what does not."
NAMED = 20
"""Requests that cannot be written and are named one by one."""


class Written(Struct):
    """How many requests were written, and which could not be."""

    lines: int = 0
    unreadable: int = 0


@click.command("export", cls=WithSettings)
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option(
    "--state", "states", multiple=True, type=click.Choice([str(state) for state in STATES]),
    help="Only those in this state; can be given several times. Without it the whole queue.",
)  # fmt: skip
@click.option("--filter", "wanted", metavar="TEXT", default="", help=FILTER_HELP)
@click.option("--limit", type=click.IntRange(1), help="At most so many.")
@click.option("--to", "path", metavar="FILE", help="Into a new file that only you can read; otherwise to stdout.")
@settings_options
@click.pass_context
def export(
    ctx: click.Context, ids: tuple[str, ...], states: tuple[str, ...], wanted: str, limit: int | None, path: str | None
) -> int:
    """Write requests as JSON lines, with all that `queue import` needs; nothing is taken out of the queue.

    A line holds what visitors sent: addresses, user ids. Tokens and passwords are in none. While workers deliver, some
    requests move on and may be missed: pause the queue first for an exact copy.
    """
    of = [State(state) for state in dict.fromkeys(states)] or list(WHOLE_QUEUE)
    fitting = parse_filter(wanted)
    if ids and fitting:
        raise click.UsageError("Name requests by their ids, or say --filter.")
    done = Written()
    with _target(path) as write:

        async def copy(engine: Engine) -> None:
            async for request_id, line in engine.export(of, ids, fitting):
                if done.lines == limit:
                    return
                if line is not None and not write(line):
                    return
                if line is not None:
                    done.lines += 1
                    continue
                done.unreadable += 1
                if done.unreadable <= NAMED:
                    say(f"{safe_text(request_id, 40)}: what is stored under this id is no request; not written")

        with_engine(ctx, copy)
    say(f"{done.lines:,} requests written" + (f", {done.unreadable:,} unreadable" if done.unreadable else ""))
    if ids and done.lines + done.unreadable < len(set(ids)):
        say("Not every id that was named exists")
        return exits.DEGRADED
    return exits.DEGRADED if done.unreadable else exits.OK


@contextmanager
def _target(path: str | None) -> Iterator[Callable[[bytes], bool]]:
    """Where lines go: raw into a file or a pipe, made safe onto a terminal. False from it: nobody reads on."""
    if path is None:
        if sys.stdout is not None and sys.stdout.isatty():
            say("On a terminal control characters are shown as marks: use --to FILE or a pipe for a copy to import")
            yield _shown
        else:
            yield lambda line: answer_raw(line + b"\n")
        return
    try:
        descriptor = create(path)
    except OSError as error:
        raise click.BadParameter(f"{safe_text(path, 200)}: {error.strerror}", param_hint="--to") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield lambda line: file.write(line + b"\n") > 0
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise AnswerLost(f"{safe_text(path, 200)} cannot be written: {error.strerror}") from None


def _shown(line: bytes) -> bool:
    answer(line.decode("utf-8", "replace"))
    return True


@click.command("import", cls=WithSettings)
@click.argument("source", metavar="FILE")
@click.option("--limit", type=click.IntRange(1), help="Only the first lines, so many.")
@click.option("--dry-run", is_flag=True, help="Check every line, say what would be done, and do nothing.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@click.option("--json", "as_json", is_flag=True, help="The summary as JSON.")
@settings_options
@click.pass_context
def import_(ctx: click.Context, source: str, limit: int | None, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Take the lines of `queue export`, or of a hand-over file, into the queue; - reads stdin. A pipe needs --yes.

    Reading a file again takes nothing twice: what is queued is known by its id, and what was delivered by its key for
    as long as idempotency records are kept. Dead requests are tried again. A damaged line is named and refused, and
    the others are taken.

    Exit code: 0 all taken or known, 1 some were refused or conflict, 2 the file cannot be read or is for another
    Matomo, 3 Redis is away: the first line not taken is named.
    """
    from opalmind_tui.cli.intake import take_export

    with store_of(ctx) as settings:
        need_matomo(settings)
        if not dry_run:
            need_writing(settings, ctx.command_path)
        if not (dry_run or yes):
            if source == "-" or _read_once(source):
                raise NotConfirmed("Nothing was done: lines from stdin or a pipe are taken with --yes only.")
            need_terminal()
            # What would be done, first. What cannot be done is not asked for.
            tell = say if as_json else answer
            code = take_export(settings, source, dry_run=True, as_json=False, limit=limit, tell=tell)
            if code > exits.DEGRADED:
                return code
            ask()
        return take_export(settings, source, dry_run=dry_run, as_json=as_json, limit=limit)


def _read_once(source: str) -> bool:
    """Whether what was looked at could not be read again, to be taken: a pipe, as of ``<(zcat FILE)``."""
    try:
        mode = Path(source).stat().st_mode
    except OSError:
        # Whoever opens it says what is wrong.
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)
