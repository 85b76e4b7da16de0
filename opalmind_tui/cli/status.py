"""`status`: the health document, for people, scripts and monitoring."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import click

from opalmind_tui import exits
from opalmind_tui.cli.asking import with_engine
from opalmind_tui.cli.options import WithSettings, settings_of, settings_options
from opalmind_tui.cli.output import answer
from opalmind_tui.settings import Settings
from opalmind_tui.text import safe_text

if TYPE_CHECKING:
    from opalmind_tui.engine.engine import Engine
    from opalmind_tui.snapshot.services import ServicesView

EXIT_OF = {"healthy": exits.OK, "degraded": exits.DEGRADED, "unhealthy": exits.UNHEALTHY}


@click.command(cls=WithSettings)
@click.option("--json", "as_json", is_flag=True, help="The whole health document as JSON.")
@settings_options
@click.pass_context
def status(ctx: click.Context, as_json: bool) -> int:
    """Say how Matomo, cache, queue and Redis are, and the attached OpalMind services.

    Exit code: 0 healthy, 1 degraded, 2 unhealthy, 3 cannot tell. Attached services have no part in it.
    """
    document, services = with_engine(ctx, _ask)
    if services is not None:
        from opalmind_tui.cli import services as beside

        text = f"{shown(document)}\nservices\n{beside.shown(services)}"
        document["services"] = beside.described(services)
    else:
        text = shown(document)
    answer(json.dumps(document, indent=2) if as_json else text)
    return exits.CANNOT_TELL if nothing_asked(settings_of(ctx), document) else EXIT_OF[document["status"]]


async def _ask(engine: Engine) -> tuple[dict[str, Any], ServicesView | None]:
    document, services = await asyncio.gather(engine.health_document(), engine.services())
    return document, services


def nothing_asked(settings: Settings, document: dict[str, Any]) -> bool:
    """Neither a Matomo nor a Redis is configured, and none answers on this machine: there was nothing to ask."""
    server = next(check for check in document["checks"] if check["name"] == "redis-connection")
    return not settings.matomo_base_url and not settings.redis_configured and server["details"]["server"] is None


def shown(document: dict[str, Any]) -> str:
    """The document as a table: one line a check."""
    checks = document["checks"]
    width = max((len(check["name"]) for check in checks), default=0)
    rows = (f"  {check['name']:<{width}}  {check['status']:<7}  {safe_text(str(check['output']))}" for check in checks)
    return "\n".join([f"{document['status']}  {document['timestamp']}", *rows])
