"""The program: its commands, and what every failure means to the caller."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

import click

from opalmind_tui import __version__, exits
from opalmind_tui.cli.logs import log_to_stderr
from opalmind_tui.cli.options import GroupWithSettings, mouse_option, settings_options
from opalmind_tui.cli.output import AnswerLost, answer, answer_raw, prepare, say, typed
from opalmind_tui.errors import OpalmindError, RefusedRequest, StoreUnavailable
from opalmind_tui.running import leave

PROGRAM = "opalmind-tui"
COMPLETE = "_OPALMIND_TUI_COMPLETE"
"""The environment variable by which a shell asks for its completion, as click names it."""
EXIT_OF = (
    (RefusedRequest, exits.DEGRADED),
    (StoreUnavailable, exits.CANNOT_TELL),
    (AnswerLost, exits.CANNOT_TELL),
    (OpalmindError, exits.UNUSABLE),
)
"""The exit code of each error; the first that fits."""

COMMANDS = (
    "demo", "worker", "track", "status", "doctor", "queue", "cache", "keys", "audit", "undo", "summary", "config",
    "watch", "snapshot", "replay",
)  # fmt: skip
"""Each lies in the module of its name."""


class Program(GroupWithSettings):
    """The program; a command is loaded when it is called, because loading all of them takes longer than most work."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(f"opalmind_tui.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command


def _show_version(ctx: click.Context, parameter: click.Parameter, value: object) -> None:
    if value and not ctx.resilient_parsing:
        answer(f"{PROGRAM}, version {__version__}")
        ctx.exit()


@click.group(cls=Program, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--deliver", is_flag=True, help="Deliver what waits in a shared Redis, too (otherwise: only look).")
@mouse_option
@click.option("--record", metavar="FILE", help="Write all that is seen to a new file, for `replay`.")
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version,
    help="Show the version and exit.",
)  # fmt: skip
@settings_options
@click.pass_context
def program(ctx: click.Context, deliver: bool, mouse: bool | None, record: str | None) -> int:
    """Terminal dashboard, tracking queue and report cache for Matomo over Redis.

    Without a command it opens the dashboard. Secrets are read from the environment or from files, never from options.
    """
    if ctx.invoked_subcommand is None:
        from opalmind_tui.cli.dashboard import dashboard

        return dashboard(ctx, deliver=deliver, mouse=mouse, record=record)
    if deliver or record or mouse is not None:
        raise click.UsageError("--deliver, --mouse, --no-mouse and --record belong to the dashboard, not to a command.")
    return exits.OK


def run(arguments: Sequence[str]) -> int:
    """Run the program; returns its exit code and lets no exception of ours out."""
    prepare()
    log_to_stderr()
    try:
        if asked := os.environ.get(COMPLETE):
            return _complete(asked)
        code = program.main(list(arguments), prog_name=PROGRAM, standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        return exits.INTERRUPTED
    except click.ClickException as error:
        _say_usage(error)
        return error.exit_code
    except OpalmindError as error:
        say(f"{PROGRAM}: {typed(str(error)) if _repeats(error) else error}")
        return next(code for kind, code in EXIT_OF if isinstance(error, kind))
    return code if isinstance(code, int) else exits.OK


def _complete(asked: str) -> int:
    """What a shell wants to know, by click's words for it; an answer as any other."""
    from click.shell_completion import get_completion_class

    shell, _, wanted = asked.partition("_")
    kind = get_completion_class(shell)
    if kind is None or wanted not in ("source", "complete"):
        return exits.DEGRADED
    completion = kind(program, {}, PROGRAM, COMPLETE)
    answer_raw((completion.source() if wanted == "source" else f"{completion.complete()}\n").encode())
    return exits.OK


def _repeats(error: OpalmindError) -> bool:
    """Whether its text repeats what somebody typed. In others stand the addresses of our servers, to be read."""
    from opalmind_tui.snapshot.filters import BadFilter

    return isinstance(error, BadFilter)


def _say_usage(error: click.ClickException) -> None:
    if isinstance(error, click.UsageError) and error.ctx is not None:
        say(f"{error.ctx.get_usage()}\nTry '{error.ctx.command_path} --help' for help.\n")
    say(f"Error: {typed(error.format_message())}")


def main() -> NoReturn:
    """The console script."""
    leave(run(sys.argv[1:]))
