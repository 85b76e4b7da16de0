"""Commands that change something: the plan first, then a yes, then the outcome (I12). One way for all of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click
from msgspec import Struct

from opalmind_tui import exits
from opalmind_tui.cli.options import need_writing, store_of
from opalmind_tui.cli.output import answer, say
from opalmind_tui.errors import OpalmindError
from opalmind_tui.running import run
from opalmind_tui.settings import Settings
from opalmind_tui.snapshot.commands import Command, Outcome, Plan, Progress, looked_at

F = TypeVar("F", bound=Callable[..., Any])
PROGRESS_STEPS = 10
"""Lines of progress that a long work writes at the most, where stderr is a terminal."""


class NotConfirmed(OpalmindError):
    """Nobody said yes."""


class How(Struct, frozen=True):
    """How a change is to be done: only shown, without asking, and said as JSON."""

    dry_run: bool
    yes: bool
    as_json: bool


def change_options(command: F) -> F:
    """Add `--dry-run`, `--yes` and `--json`."""
    command = click.option("--json", "as_json", is_flag=True, help="Plan and outcome as JSON.")(command)
    command = click.option("--yes", is_flag=True, help="Do it without asking.")(command)
    return click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")(command)


def change(ctx: click.Context, command: Command, how: How) -> int:
    """Plan a command, ask, run it and say what came of it; returns the exit code.

    Without ``--yes`` a terminal is asked, and anything else is refused: a script says yes on purpose.
    """
    with store_of(ctx) as settings:
        if not how.dry_run:
            need_writing(settings, ctx.command_path)
        plan, outcome = run(_planned(settings, command, how))
    if how.as_json:
        answer(json.dumps({"plan": _plan(plan), "outcome": None if outcome is None else _outcome(outcome)}, indent=2))
    elif outcome is not None:
        answer(outcome.sentence)
    return exits.OK if outcome is None or not (outcome.error or outcome.failed) else exits.DEGRADED


async def _planned(settings: Settings, command: Command, how: How) -> tuple[Plan, Outcome | None]:
    from opalmind_tui.engine.engine import Engine

    async with Engine(settings, role="operator") as engine:
        plan = await engine.plan(command, _progress(looked_at))
        if not how.as_json:
            answer(shown(plan))
        if how.dry_run or plan.nothing_to_do:
            return plan, None
        if not how.yes:
            # Nobody says yes to what he has not seen; stdout is for the JSON alone.
            ask(shown(plan) if how.as_json else "")
        return plan, await engine.run(plan, _progress(_done_of))


def shown(plan: Plan) -> str:
    """The plan in lines."""
    lines = [plan.title, *(f"  {count:,} not eligible: {reason}" for reason, count in plan.skipped)]
    return "\n".join([*lines, *(f"  {sentence}" for sentence in plan.facts), f"  {plan.undo}"])


def need_terminal() -> None:
    """Raise `NotConfirmed` where nobody can be asked."""
    if sys.stdin is None or sys.stderr is None or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise NotConfirmed("Nothing was done: say --yes to do it without being asked, or --dry-run to look.")


def ask(plan: str = "") -> None:
    """Ask whether it shall be done. Raises `NotConfirmed` unless somebody says yes.

    Args:
        plan: what to show first; empty where it was.
    """
    need_terminal()
    if plan:
        say(plan)
    if not click.confirm("Do it?", default=False, err=True):
        raise NotConfirmed("Nothing was done.")


def _done_of(progress: Progress) -> str:
    return f"{progress.done:,} of {progress.total:,}"


def _progress(words: Callable[[Progress], str]) -> Callable[[Progress], None] | None:
    if sys.stderr is None or not sys.stderr.isatty():
        return None
    said = 0

    def on_progress(progress: Progress) -> None:
        nonlocal said
        step = PROGRESS_STEPS * progress.done // progress.total if progress.total else 0
        if step > said and progress.done < progress.total:
            said = step
            say(words(progress))

    return on_progress


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "title": plan.title, "eligible": plan.eligible, "estimated": plan.estimated,
        "skipped": [{"reason": reason, "count": count} for reason, count in plan.skipped],
        "consequences": list(plan.consequences), "bytes": plan.bytes, "seconds": plan.seconds, "undo": plan.undo,
    }  # fmt: skip


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "sentence": outcome.sentence, "done": outcome.done, "skipped": outcome.skipped, "failed": outcome.failed,
        "error": outcome.error, "cancelled": outcome.cancelled,
    }  # fmt: skip
