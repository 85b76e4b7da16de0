"""The stand-in Matomo: one process-local HTTP server with moods, a journal and programmable faults."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec.structs import replace

from opalmind_tui.demo.matomo.accounts import Access, Account, Accounts
from opalmind_tui.demo.matomo.behaviour import Asked, Behaviour
from opalmind_tui.demo.matomo.faults import FAULTS, Case
from opalmind_tui.demo.matomo.figures import LiveFigures
from opalmind_tui.demo.matomo.journal import Journal
from opalmind_tui.demo.matomo.message import Request, Response
from opalmind_tui.demo.matomo.moods import MOODS
from opalmind_tui.demo.matomo.reporting import Reporter, read_call
from opalmind_tui.demo.matomo.sent import Sent, read
from opalmind_tui.demo.matomo.sites import SITES, Site
from opalmind_tui.demo.matomo.texts import proxy_page
from opalmind_tui.demo.matomo.tracking import Arrival, Tracker
from opalmind_tui.demo.matomo.visits import visitor_of
from opalmind_tui.demo.matomo.wire import HOST, Limits, Listener

TRACKER_PATHS = ("/matomo.php", "/piwik.php")
REPORT_PATHS = ("/", "/index.php")
Script = Callable[[Asked], str | None]
"""Names the fault for a request (a key of `FAULTS`), or None for a regular answer."""


class StandIn:
    """A Matomo on loopback that answers as the recorded one did.

    Args:
        port: TCP port; 0 takes a free one, which `url` then names.
        token: a super user's token.
        seed: settles everything that is left to chance, and the made-up past of the reports.
        journal: a file for the stored hits, one JSON line each.
        tokens: further tokens and their accounts; one equal to `token` replaces its account.
        keep: stored hits that the journal keeps in memory.
        clock: epoch seconds, for replays.
    """

    def __init__(
        self, port: int = 0, token: str = "", seed: int = 1, journal: Path | None = None, *,
        tokens: Mapping[str, Account] | None = None, sites: Mapping[int, Site] = SITES, keep: int = 200_000,
        clock: Callable[[], float] = time.time, limits: Limits | None = None,
    ) -> None:  # fmt: skip
        own = {token: Account(Access.SUPER)} if token else {}
        self.accounts = Accounts({**own, **(tokens or {})})
        self.journal = Journal(journal, keep=keep)
        self.requests = 0
        """HTTP requests that were read in full."""
        self.reports: Counter[str] = Counter()
        """Reporting calls by method."""
        self._random = random.Random(seed)
        self._clock = clock
        self._tracker = Tracker(sites, self.accounts, self.journal, clock)
        live = LiveFigures()
        self._tracker.on_stored = live.add
        self._reporter = Reporter(sites, self.accounts, live, seed, clock)
        self._listener = Listener(self._handle, port, limits, clock)
        self._script: Script | None = None
        self._mood = next(iter(MOODS))
        self.behaviour = MOODS[self._mood].behaviour
        self._running = False

    @property
    def url(self) -> str:
        """The base URL, once started."""
        return f"http://{HOST}:{self._listener.port}/"

    @property
    def port(self) -> int:
        """The TCP port, once started."""
        return self._listener.port

    @property
    def moods(self) -> tuple[tuple[str, str, str], ...]:
        """(key, name, what it does) of every mood."""
        return tuple((mood.key, name, mood.meaning) for name, mood in MOODS.items())

    def mood(self) -> str:
        """The mood in force; ``custom`` after `behave`."""
        return self._mood

    async def start(self) -> None:
        """Listen. Raises `OSError` when the port or the journal's file cannot be had."""
        self.journal.open()
        try:
            await self._listener.open()
        except BaseException:
            self.journal.close()
            raise
        self._running = True
        await self._apply()

    async def stop(self) -> None:
        """End every connection at once; nothing is left."""
        self._running = False
        await self._listener.close()
        self.journal.close()

    async def set_mood(self, name: str) -> None:
        """Switch the behaviour. Raises `KeyError` for a name that is not in `moods`."""
        self.behaviour = MOODS[name].behaviour
        self._mood = name
        await self._apply()

    async def behave(self, behaviour: Behaviour) -> None:
        """Behave in a way that no mood has. Raises `KeyError` for a fault that does not exist."""
        for name, _ in behaviour.faults:
            FAULTS[name]
        self.behaviour = behaviour
        self._mood = "custom"
        await self._apply()

    def script(self, script: Script | None) -> None:
        """Let a function choose each request's fault; where it says None the behaviour decides. None ends it."""
        self._script = script

    async def _apply(self) -> None:
        self.accounts.refuse_all = not self.behaviour.tokens
        if not self._running:
            return
        if self.behaviour.listening:
            await self._listener.open()
        else:
            self._listener.refuse()

    async def _handle(self, request: Request) -> Response:
        self.requests += 1
        if request.path in TRACKER_PATHS:
            return await self._track(request, read(request))
        if request.path in REPORT_PATHS:
            return await self._report(request)
        return Response(404, proxy_page(404))

    async def _track(self, request: Request, sent: Sent) -> Response:
        number, behaviour = self.requests, self.behaviour
        fault = self._fault(Asked(sent.kind, len(sent.hits), "", number))
        visitors = {name for hit in sent.hits if not (name := visitor_of(hit, "", "")).startswith("net:")}
        self.journal.enter(visitors)
        try:
            await asyncio.sleep(behaviour.latency + behaviour.latency_per_hit * len(sent.hits))
            return self._tracker.answer(Arrival(number, request, sent, behaviour, fault, self._random.random()))
        finally:
            self.journal.leave(visitors)

    def _fault(self, asked: Asked) -> str:
        chosen = self._script(asked) if self._script is not None else None
        return chosen or self.behaviour.pick(asked.kind, self._random.random()) or ""

    async def _report(self, request: Request) -> Response:
        call, behaviour, number = read_call(request), self.behaviour, self.requests
        self.reports[call.method] += 1
        fault = FAULTS.get(self._fault(Asked("report", 0, call.method, number)))
        await asyncio.sleep(behaviour.latency)
        if fault is None or fault.answer is None:
            response = self._reporter.answer(call)
        else:
            response = fault.answer(
                Case(
                    "report", token=call.token, now=self._clock(), retry_after=behaviour.retry_after,
                    as_date=behaviour.retry_after_date,
                )
            )  # fmt: skip
        return response if fault is None else replace(response, wire=fault.wire)
