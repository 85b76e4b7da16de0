"""`config`: what a process here would run with, and where each value comes from."""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any

import click
from msgspec import to_builtins

from opalmind_tui import exits
from opalmind_tui.cli.asking import table, with_engine
from opalmind_tui.cli.cache import times_to_live
from opalmind_tui.cli.changing import How, change, change_options
from opalmind_tui.cli.options import GroupWithSettings, WithSettings, settings_of, settings_options
from opalmind_tui.cli.output import answer, say
from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.reports.features import NAMES
from opalmind_tui.settings import VARIABLES, Settings, Variable, load_settings
from opalmind_tui.settings.config_file import read_config
from opalmind_tui.settings.profiles import VARIABLE, profile_names
from opalmind_tui.settings.table import Kind
from opalmind_tui.snapshot.commands import Act, Command, TtlTarget
from opalmind_tui.text import safe_text

if TYPE_CHECKING:
    from opalmind_tui.engine.engine import Engine

RUN_TIME = ("reports", *NAMES, "idempotency")
"""What can be configured while processes run."""


@click.group(cls=GroupWithSettings)
@settings_options
def config() -> None:
    """Show the settings in force, and set what was changed at run time back to them.

    Exit code: 0 done, 2 refused, 3 Redis is away (show: says so, and shows the rest).
    """


@config.command(cls=WithSettings)
@click.option("--json", "as_json", is_flag=True, help="The answer as JSON.")
@settings_options
@click.pass_context
def show(ctx: click.Context, as_json: bool) -> int:
    """Show every setting with its origin: option, environment, file, profile or default; and run-time times to live.

    Secrets are never shown, only whether they are set.
    """
    settings = settings_of(ctx)
    values = [_value(variable, settings) for variable in VARIABLES if not variable.from_file]
    changed, code = [], exits.OK
    try:
        changed = [row for row in with_engine(ctx, _times) if row["origin"] == "configured"]
    except StoreUnavailable as error:
        say(f"Times to live set at run time are not known: {error}")
        code = exits.CANNOT_TELL
    if as_json:
        answer(json.dumps({"settings": values, "runTime": changed}, indent=2))
        return code
    rows = [(one["name"], _cell(one["value"]), one["origin"]) for one in values]
    answer(table([("setting", "value", "origin"), *rows]))
    for row in changed:
        answer(f"at run time: {row['name']} {row['seconds']:g} s, set by {safe_text(row['by'])} {row['at'] or ''}")
    return code


@config.command(cls=WithSettings)
@click.argument("name", type=click.Choice(RUN_TIME), metavar="NAME")
@change_options
@settings_options
@click.pass_context
def reset(ctx: click.Context, name: str, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Forget the time to live that was set at run time for NAME; the environment's value counts again."""
    target = TtlTarget.IDEMPOTENCY if name == "idempotency" else TtlTarget.REPORTS
    feature = name if name in NAMES else ""
    return change(ctx, Command(Act.SET_TTL, feature=feature, target=target), How(dry_run, yes, as_json))


@config.command(cls=WithSettings)
@click.option("--example", is_flag=True, help="Print a file to begin with instead.")
@click.option("--json", "as_json", is_flag=True, help="The answer as JSON.")
@settings_options
@click.pass_context
def file(ctx: click.Context, example: bool, as_json: bool) -> int:
    """Say where the configuration file is, check all of it, and list its profiles.

    Exit code: 0 fine or not there, 2 something in it cannot be used; the line is named.
    """
    if example:
        answer(resources.files("opalmind_tui.settings").joinpath("example.toml").read_text("utf-8").rstrip("\n"))
        return exits.OK
    from opalmind_tui.cli.preferences import preferences_of

    settings = settings_of(ctx)
    held = read_config()
    preferences = preferences_of(mouse=None, said=settings.notes)
    names = profile_names(held)
    for name in names:
        load_settings({VARIABLE: name})
    keys = sorted(preferences.keymap.given)
    if as_json:
        found = {"path": str(held.path), "exists": bool(held.text), "profiles": names, "keys": keys}
        answer(json.dumps({**found, "ui": to_builtins(preferences.ui)}, indent=2))
        return exits.OK
    answer(safe_text(str(held.path)) + ("" if held.text else ": not there; the defaults count"))
    if held.text:
        ui = ", ".join(f"{name} {str(value).lower()}" for name, value in to_builtins(preferences.ui).items())
        answer(f"profiles: {', '.join(map(safe_text, names)) or '-'}\nkeys: {', '.join(keys) or '-'}\nui: {ui}")
    return exits.OK


async def _times(engine: Engine) -> list[dict[str, Any]]:
    return [{"name": row.pop("feature"), **row} for row in await times_to_live(engine)]


def _value(variable: Variable, settings: Settings) -> dict[str, Any]:
    """A setting by its variable."""
    held = getattr(settings, variable.field)
    if variable.secret:
        held = "(set)" if held else None
    elif variable.name == "REDIS_URL" and held:
        from opalmind_tui.storage.connection import address

        held = str(address(settings))
    elif variable.kind is Kind.DELIVERY:
        held = "exact" if held else "bulk"
    elif variable.kind is Kind.HOSTS:
        held = ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in held)
    given = dict(settings.origins)
    spellings = [other.name for other in VARIABLES if other.field == variable.field]
    origin = next((given[name] for name in spellings if name in given), "default")
    return {"name": variable.name, "value": held if held not in ("", ()) else None, "origin": origin}


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, tuple):
        return safe_text(", ".join(map(str, value)))
    return safe_text(str(value).lower() if isinstance(value, bool) else str(value))
