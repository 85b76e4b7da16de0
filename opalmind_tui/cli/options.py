"""One option for every setting that is no secret, made from the settings table, on the program and on each command."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from opalmind_tui.cli.output import answer, say
from opalmind_tui.errors import SettingsError
from opalmind_tui.settings import VARIABLES, Settings, Variable, load_settings
from opalmind_tui.settings.table import Kind

F = TypeVar("F", bound=Callable[..., Any])
GIVEN, READ = "opalmind.given", "opalmind.settings"
"""Where a run keeps the options that stand for settings, and the settings."""
EMBEDDED = "--embedded"
METAVARS = {
    Kind.WHOLE: "N", Kind.PERCENT: "PERCENT", Kind.REDIS_URL: "URL", Kind.WEB_URL: "URL", Kind.WEB_URLS: "URLS",
    Kind.HOST: "HOST", Kind.PATH: "FILE", Kind.PASSWORD_FILE: "FILE", Kind.TOKEN_FILE: "FILE", Kind.TEXT: "TEXT",
    Kind.PREFIX: "PREFIX", Kind.HOSTS: "HOST:PORT,...", Kind.PROFILE: "NAME",
}  # fmt: skip


class SettingOption(click.Option):
    """An option that stands for an environment variable."""


class WithSettings(click.Command):
    """A command whose help lists the settings apart from its own options, and is an answer as any other."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        option = super().get_help_option(ctx)
        if option is not None:
            option.callback = _show_help
        return option

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, wanted in (("Options", False), ("Settings", True)):
            rows = [
                record
                for parameter in self.get_params(ctx)
                if isinstance(parameter, SettingOption) is wanted and (record := parameter.get_help_record(ctx))
            ]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_epilog(ctx, formatter)
        from opalmind_tui.cli.examples import EXAMPLES

        name, *words = ctx.command_path.split(" ")
        if lines := EXAMPLES.get(" ".join(words)):
            with formatter.section("Examples"):
                for line in lines:
                    formatter.write(f"{'':>{formatter.current_indent}}{f'{name} {line}'.rstrip()}\n")


class GroupWithSettings(WithSettings, click.Group):
    """A group whose help lists the settings apart from its own options."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        WithSettings.format_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)


def settings_options(command: F) -> F:
    """Add the settings' options, and `--embedded`, to a command."""
    for variable in reversed(VARIABLES):
        if variable.option:
            command = _option(variable)(command)
    return click.option(
        EMBEDDED, cls=SettingOption, is_flag=True, default=None, expose_value=False, callback=_remember,
        help="Use a server of this machine's own, its data kept in the XDG data folder.",
    )(command)  # fmt: skip


def mouse_option(command: F) -> F:
    """Add `--mouse/--no-mouse` to a command that opens a dashboard; without it the operator's file decides."""
    return click.option(
        "--mouse/--no-mouse", default=None, help="Listen to the mouse, or leave it to the terminal."
    )(command)  # fmt: skip


def settings_of(ctx: click.Context) -> Settings:
    """The settings of this run, read once: what is to be said about them is said once. Raises `SettingsError`."""
    if READ not in ctx.meta:
        given = {name: text for name, text in ctx.meta.get(GIVEN, {}).items() if name != "embedded"}
        ctx.meta[READ] = load_settings(os.environ, given)
        for note in ctx.meta[READ].notes:
            say(note)
    settings: Settings = ctx.meta[READ]
    return settings


def embedded_wanted(ctx: click.Context) -> bool:
    """Whether `--embedded` was given."""
    return bool(ctx.meta.get(GIVEN, {}).get("embedded"))


@contextmanager
def store_of(ctx: click.Context) -> Iterator[Settings]:
    """The settings of this run, with the embedded server running where it was asked for."""
    settings = settings_of(ctx)
    if not embedded_wanted(ctx):
        yield settings
        return
    if settings.redis_configured:
        raise SettingsError(EMBEDDED, "--embedded beside the address of a Redis", "only one of the two")
    from opalmind_tui.cli.embedded import embedded

    with embedded(settings) as local:
        yield local


def need_matomo(settings: Settings) -> None:
    """Raise `SettingsError` unless a Matomo is configured: a request belongs to its Matomo from the start."""
    if not settings.matomo_base_url:
        accepted = next(variable.accepted for variable in VARIABLES if variable.name == "MATOMO_BASE_URL")
        raise SettingsError("MATOMO_BASE_URL", "nothing", accepted)


def need_writing(settings: Settings, command: str) -> None:
    """Raise `SettingsError` when a command that writes is run read-only."""
    if settings.read_only:
        raise SettingsError("OPALMIND_READ_ONLY", f"true for {command}, which writes", "false for this command")


def data_folder() -> Path:
    """Where our data is kept (XDG)."""
    import platformdirs

    return platformdirs.user_data_path("opalmind-tui")


def _option(variable: Variable) -> Callable[[F], F]:
    assert variable.option is not None
    flag = variable.kind is Kind.SWITCH
    more: dict[str, Any] = {"is_flag": True, "flag_value": "true"} if flag else {"metavar": METAVARS[variable.kind]}
    return click.option(
        variable.option, variable.name, cls=SettingOption, type=str, default=None, expose_value=False,
        callback=_remember, help=f"{variable.meaning} [{variable.name}]", **more,
    )  # fmt: skip


def _show_help(ctx: click.Context, parameter: click.Parameter, value: object) -> None:
    if value and not ctx.resilient_parsing:
        answer(ctx.get_help())
        ctx.exit()


def _remember(ctx: click.Context, parameter: click.Parameter, value: object) -> None:
    # The program's options are read before those of its command, so that the nearer one wins.
    if value is not None and parameter.name is not None:
        ctx.meta.setdefault(GIVEN, {})[parameter.name] = value
