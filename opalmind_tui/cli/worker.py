"""`worker`: delivers what waits, without a screen, until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from opalmind_tui import exits
from opalmind_tui.cli.logs import log_to_stderr
from opalmind_tui.cli.options import WithSettings, need_matomo, need_writing, settings_options, store_of
from opalmind_tui.engine.supervision import supervised
from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.logs.lines import FORMS, LEVELS
from opalmind_tui.running import run
from opalmind_tui.settings import Settings

if TYPE_CHECKING:
    from opalmind_tui.engine.engine import Engine
    from opalmind_tui.metrics.export import Export

LOOPBACK = "127.0.0.1"
LOOK_EVERY = 1.0
"""Seconds between two looks at whether Matomo is closed to us."""
log = logging.getLogger(__name__)


@click.command(cls=WithSettings)
@click.option(
    "--metrics",
    type=click.IntRange(0, 65_535),
    metavar="PORT",
    help="Serve /metrics (Prometheus), /healthz and /readyz on this port; 0 takes a free one.",
)
@click.option(
    "--metrics-host",
    default=LOOPBACK,
    show_default=True,
    metavar="ADDRESS",
    help="Where to serve them. Nobody is asked for a password.",
)
@click.option("--log-format", type=click.Choice(FORMS), default="text", show_default=True, help="Form of a log line.")
@click.option(
    "--log-level", type=click.Choice(LEVELS), default="info", show_default=True, help="The least that is logged."
)
@settings_options
@click.pass_context
def worker(ctx: click.Context, metrics: int | None, metrics_host: str, log_format: str, log_level: str) -> int:
    """Deliver the queue to Matomo until SIGTERM or ctrl+c.

    What happens goes to stderr, one line for each event. It survives an absence of Redis and of Matomo; a wrong
    password or a missing permission ends it with code 2. Told to stop, it waits up to 30 s for what it has posted; a
    second signal ends it at once, and its leases run out by themselves. Requests that are left in its memory, because
    Redis is away, go to a file that is named on stderr (code 1).
    """
    with store_of(ctx) as settings:
        log_to_stderr(getattr(logging, log_level.upper()), stamped=True, form=log_format, settings=settings)
        need_matomo(settings)
        need_writing(settings, "worker")
        return run(_work(settings, metrics, metrics_host))


async def _work(settings: Settings, port: int | None, host: str) -> int:
    from opalmind_tui.engine.engine import Engine

    engine = Engine(settings, role="worker", deliver=True)
    signals = _Signals()
    export = await _export(engine, host, port) if port is not None else None
    try:
        try:
            await engine.start()
        except StoreUnavailable as error:
            log.error("%s", error)
            return exits.UNUSABLE
        log.info("Started: delivers to %s", engine.endpoint)
        watches = [asyncio.create_task(_watch_gate(engine))]
        if export is not None:
            watches.append(asyncio.create_task(supervised(export.watch, "metrics")))
        number = await signals.told
        for watch in watches:
            watch.cancel()
        log.info("Stopping (%s)", number.name)
    finally:
        if export is not None:
            await export.close()
        await signals.patiently(engine.stop())
        signals.close()
    log.info("Stopped")
    if engine.handed_over is not None:
        return exits.DEGRADED
    return exits.INTERRUPTED if number is signal.SIGINT else exits.OK


async def _export(engine: Engine, host: str, port: int) -> Export:
    """Serve the metrics. Raises `BadArgument` where the port is taken."""
    from opalmind_tui.metrics.export import Export

    export = Export(engine)
    log.info("Metrics on %s", await export.open(host, port))
    return export


_NUMBERS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class _Signals:
    """The first one tells to stop in good order, the next one to stop at once."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.told: asyncio.Future[signal.Signals] = loop.create_future()
        self._stopping: asyncio.Future[None] | None = None
        for number in _NUMBERS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup asks for
                loop.add_signal_handler(number, self._note, number)

    def _note(self, number: signal.Signals) -> None:
        if not self.told.done():
            self.told.set_result(number)
        elif self._stopping is not None:
            self._stopping.cancel()

    async def patiently(self, stopping: Coroutine[None, None, None]) -> None:
        """Wait for the end, until another signal comes."""
        self._stopping = asyncio.ensure_future(stopping)
        with suppress(asyncio.CancelledError):
            await self._stopping

    def close(self) -> None:
        """Listen no more."""
        for number in _NUMBERS:
            asyncio.get_running_loop().remove_signal_handler(number)


async def _watch_gate(engine: Engine) -> None:
    """Log when Matomo's gate closes and opens. Runs until it is cancelled."""
    closed = ""
    while True:
        try:
            gate = (await engine.queue.counts(engine.endpoint)).closed
            now = f"{gate.kind}: {gate.reason}" if gate is not None else ""
            if now and now != closed:
                log.warning("Matomo is closed: %s", now)
            elif closed and not now:
                log.info("Matomo is open again")
            closed = now
        except StoreUnavailable:
            # The engine has logged why, and goes on in memory.
            closed = ""
        await asyncio.sleep(LOOK_EVERY)
