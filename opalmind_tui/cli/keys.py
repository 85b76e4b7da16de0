"""`keys`: how many keys there are under each prefix, how much memory they take, when they expire."""

from __future__ import annotations

import asyncio
import json
import math
import sys
from typing import TYPE_CHECKING, Any

import click
from msgspec import to_builtins

from opalmind_tui import exits
from opalmind_tui.cli.asking import camel
from opalmind_tui.cli.options import WithSettings, settings_options, store_of
from opalmind_tui.cli.output import answer, say
from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.running import run
from opalmind_tui.settings import Settings
from opalmind_tui.tui.census_text import census_text, progress_text

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from opalmind_tui.observe.full_count import FullCount
    from opalmind_tui.snapshot.census import KeyCensus

TELL_EVERY = 2.0
"""Seconds between two words on how far a count is."""


@click.command(cls=WithSettings)
@click.option("--exact", is_flag=True, help="Count every key, in small steps; it gives way to other work.")
@click.option("--json", "as_json", is_flag=True, help="The answer as JSON.")
@settings_options
@click.pass_context
def keys(ctx: click.Context, exact: bool, as_json: bool) -> int:
    """Say what the keys of the database are: how many, their memory, when they expire.

    It looks at 200 random keys, whatever the size. What follows from them is shown as "about", with the bounds between
    which the truth lies in 95 of 100 cases. Up to 20,000 keys are counted.

    Exit code: 0 answered, 3 Redis is away or does not permit it.
    """
    with store_of(ctx) as settings:
        found = run(_found(settings, exact=exact))
    answer(json.dumps(document(found), indent=2) if as_json else census_text(found))
    return exits.OK


async def _found(settings: Settings, *, exact: bool) -> KeyCensus:
    from opalmind_tui.observe.census import Census
    from opalmind_tui.storage.cluster_keys import naming_lost
    from opalmind_tui.storage.connection import async_client

    client = async_client(settings, pool=1, no_touch=True)
    try:
        return await (_counted(settings, client) if exact else Census(settings).once(client))
    except StoreUnavailable as error:
        raise await naming_lost(client, error) from error
    finally:
        await client.aclose()


async def _counted(settings: Settings, client: Redis) -> KeyCensus:
    from opalmind_tui.observe.full_count import FullCount

    count = FullCount(settings)
    told = asyncio.create_task(_tell(count))
    try:
        return await count.run(client)
    finally:
        told.cancel()


async def _tell(count: FullCount) -> None:
    """Say how far it is, to whoever waits at a terminal."""
    while sys.stderr is not None and sys.stderr.isatty():
        await asyncio.sleep(TELL_EVERY)
        say(progress_text(count.progress))


def document(found: KeyCensus) -> dict[str, Any]:
    """The figures by their names in JSON; what is not known is null."""
    shown: dict[str, Any] = _plain(to_builtins(found))
    return shown


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {camel(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
