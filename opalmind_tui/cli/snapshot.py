"""`snapshot`: one frame of the dashboard, as JSON or as a picture."""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from opalmind_tui import __version__, exits
from opalmind_tui.cli.asking import with_engine
from opalmind_tui.cli.doctor import document as doctor_document
from opalmind_tui.cli.options import WithSettings, settings_of, settings_options
from opalmind_tui.cli.output import AnswerLost, answer
from opalmind_tui.cli.status import EXIT_OF, nothing_asked
from opalmind_tui.private_file import create
from opalmind_tui.snapshot.audit import AuditView
from opalmind_tui.snapshot.entries import EntryView
from opalmind_tui.snapshot.listing import ListView, Tab
from opalmind_tui.snapshot.model import Snapshot
from opalmind_tui.snapshot.wanted import NEWEST, Wanted
from opalmind_tui.text import safe_text

if TYPE_CHECKING:
    from opalmind_tui.engine.engine import Engine
    from opalmind_tui.snapshot.findings import Diagnosis

LISTED = 50
"""Rows of a place's list that the JSON has."""
PLACES: dict[str, Wanted] = {
    "overview": Wanted(rows=LISTED),
    "queue": Wanted(rows=LISTED, view=ListView(tab=Tab.FAILED, rows=LISTED)),
    "cache": Wanted(rows=LISTED, entries=EntryView(rows=LISTED)),
    "redis": Wanted(rows=LISTED, closer=True),
    "fleet": NEWEST,
    "doctor": NEWEST,
    "audit": Wanted(rows=LISTED, audit=AuditView(rows=LISTED)),
    "history": NEWEST,
}
"""Every place of the dashboard, and what its frame asks the engine for beyond what every frame has."""
MOST_LOOKS = 50
"""At the cache's entries, each a tenth of a second or less, until they were all gone through."""
SMALLEST, LARGEST = (60, 20), (400, 200)
_SIZE = re.compile(r"(\d{1,4})x(\d{1,4})")


class Size(click.ParamType[tuple[int, int]]):
    """Columns and rows."""

    name = "COLUMNSxROWS"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        found = _SIZE.fullmatch(str(value))
        if found is None:
            self.fail("columns and rows are wanted, as 120x40", param, ctx)
        columns, rows = int(found[1]), int(found[2])
        if not (SMALLEST[0] <= columns <= LARGEST[0] and SMALLEST[1] <= rows <= LARGEST[1]):
            self.fail("from {}x{} to {}x{}".format(*SMALLEST, *LARGEST), param, ctx)
        return columns, rows


@click.command(cls=WithSettings)
@click.option("--json", "as_json", is_flag=True, help="As JSON; so it is without --svg, too.")
@click.option("--svg", "svg", metavar="FILE", help="As a picture, into this file; one that is there is replaced.")
@click.option("--size", type=Size(), default="120x40", show_default=True, help="Of the picture.")
@click.option(
    "--place",
    type=click.Choice(list(PLACES)),
    default="overview",
    show_default=True,
    help="Which screen, and its lists.",
)
@settings_options
@click.pass_context
def snapshot(ctx: click.Context, as_json: bool, svg: str | None, size: tuple[int, int], place: str) -> int:
    """One frame of the dashboard: all that the screen would show now. Writes nothing to Redis.

    The JSON has the fields of the snapshot, each part with the time at which it was read and why it could not be.
    Secrets are masked; what visitors sent is in it as on the screen. With --place doctor it also has what the Doctor
    finds, as `doctor --json` says it.

    Exit code, as of `status`: 0 healthy, 1 degraded, 2 unhealthy, 3 cannot tell.
    """
    if as_json and svg is not None:
        raise click.UsageError("--json and --svg exclude each other.")
    settings = settings_of(ctx)
    if svg is None:
        document, found, diagnosis = with_engine(ctx, lambda engine: _asked(engine, place))
        answer(_written(found, diagnosis, settings.secrets()))
    else:
        document, drawn = with_engine(ctx, lambda engine: _drawn(engine, size, place))
        _put(svg, drawn)
    return exits.CANNOT_TELL if nothing_asked(settings, document) else EXIT_OF[document["status"]]


async def _asked(engine: Engine, place: str) -> tuple[dict[str, Any], Snapshot, Diagnosis | None]:
    # The document first: it waits for Matomo's answer, which the frame then has, too.
    document = await engine.health_document()
    found = await engine.take_snapshot(PLACES[place])
    for _ in range(MOST_LOOKS):
        if found.entries is None or found.entries.value is None or found.entries.value.done:
            break
        found = await engine.take_snapshot(PLACES[place])
    return document, found, await engine.diagnose() if place == "doctor" else None


async def _drawn(engine: Engine, size: tuple[int, int], place: str) -> tuple[dict[str, Any], str]:
    from opalmind_tui.tui.picture import picture

    document = await engine.health_document()
    return document, await picture(engine, size, place)


def _written(found: Snapshot, diagnosis: Diagnosis | None, secrets: tuple[str, ...]) -> str:
    from opalmind_tui.matomo.masking import mask
    from opalmind_tui.recording.codec import Codec
    from opalmind_tui.recording.form import VERSION

    plain = Codec(lambda text: mask(text, secrets)).of(Snapshot).plain(found, whole=True)
    doctor = None if diagnosis is None else doctor_document(diagnosis)
    frame = {"version": list(VERSION), "product": __version__, "snapshot": plain, "doctor": doctor}
    return json.dumps(frame, indent=2, allow_nan=False)


def _put(name: str, drawn: str) -> None:
    """Write a file that nobody else can read; whoever looks at the former one sees it, or this one, whole."""
    path = Path(name)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = create(part)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(drawn)
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise AnswerLost(f"{safe_text(name, 200)} cannot be written: {error.strerror}") from None
