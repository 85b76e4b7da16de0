"""The engine: everything below the screen, in one place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from opalmind_tui.engine.core import EngineCore
from opalmind_tui.engine.site_names import sites_in
from opalmind_tui.errors import ReadOnly
from opalmind_tui.snapshot.audit import AuditEntry
from opalmind_tui.snapshot.commands import Command, Outcome, Plan, Progress
from opalmind_tui.snapshot.entries import EntryPart
from opalmind_tui.snapshot.filters import NO_FILTER, Filter
from opalmind_tui.snapshot.findings import Diagnosis
from opalmind_tui.snapshot.listing import RequestDetail
from opalmind_tui.snapshot.model import (
    CacheView,
    GateKind,
    QueueView,
    ServicesView,
    Snapshot,
    State,
    TtlPreview,
)
from opalmind_tui.snapshot.wanted import NEWEST, Wanted
from opalmind_tui.tracking.queue import Answer
from opalmind_tui.tracking.request import TrackingRequest

if TYPE_CHECKING:
    from opalmind_tui.engine.acts import Acts
    from opalmind_tui.reports.service import Reports
    from opalmind_tui.reports.ttl import Ttl


class Engine(EngineCore):
    """What a screen, a command or a service may ask of OpalMind's parts, and tell them to do. Satisfies `EnginePort`.

    Use it as an async context manager, or `start` and `stop`. Used from one event loop; `EngineCore` has the arguments.
    """

    # -- tracking and reports ------------------------------------------------------------------------------------

    async def offer(self, requests: Sequence[TrackingRequest], ids: Sequence[str] | None = None) -> list[Answer]:
        """Accept requests for the configured Matomo; returns when the store has them, one answer each.

        With the `ids` of an earlier try, what was accepted then is not accepted again.

        Raises `StoreUnavailable` where Redis is away and memory may not take over, `SettingsError` without a
        Matomo, `ReadOnly`, and `RefusedRequest` for a new request that needs a token where none is set.
        """
        return await self._intake.offer(requests, ids)

    @property
    def reports(self) -> Reports:
        """The reports of the configured Matomo, through the cache. Raises `SettingsError` without one."""
        return self._asking.reports

    async def _test_token(self) -> str:
        """Let the token be used again, by reports and by delivery; returns what Matomo says against it."""
        if self.reporting is not None:
            self.reporting.forget_refusal()
        await self._probe.ask_again()
        error = self._probe.reading.error or ""
        if not error:
            view = await self.queue_view()
            if view.gate is not None and view.gate.kind is GateKind.TOKEN:
                await self.queue.open_gate(self.endpoint)
            await self._delivery.test_token_again()
        return error

    # -- the screen's port ---------------------------------------------------------------------------------------

    async def take_snapshot(self, wanted: Wanted = NEWEST) -> Snapshot:
        """See `EnginePort`."""
        taken = await self._looking.snapshot(wanted, self._interval)
        found = await self._finding.add_to(self._key_count.added_to(taken), wanted.view, wanted.groups)
        found = await self._cache_look.add_to(found, wanted.entries)
        return replace(found, services=self._attached.reading, sites=self._sites.of(sites_in(found)))

    async def entry_part(self, key: str, start: int = 0) -> EntryPart | None:
        """See `EnginePort`."""
        return await self._cache_look.part(key, start)

    async def request_detail(self, request_id: str, *, reveal: bool = False, start: int = 0) -> RequestDetail | None:
        """See `EnginePort`."""
        if reveal and self.settings.read_only:
            raise ReadOnly("This dashboard is read-only: who looks at personal data could not be noted")
        found = await self.queue.closer(request_id)
        if found is None:
            return None
        from opalmind_tui.engine.finding.detail import detail_of

        if reveal:
            what = f"Personal data of request {found.stored.row.id}"
            await self._stores.audit.write(by=self._user, act="reveal", what=what, outcome="shown")
        return detail_of(found, self.endpoint, self._secrets, reveal=reveal, start=start)

    async def plan(self, command: Command, on_progress: Callable[[Progress], None] | None = None) -> Plan:
        """See `EnginePort`."""
        return await self._acts.plan(command, on_progress)

    async def run(self, plan: Plan, on_progress: Callable[[Progress], None] | None = None) -> Outcome:
        """See `EnginePort`."""
        outcome = await self._acts.run(plan, on_progress)
        self._looking.expire()
        self._cache_look.expire()
        self._finding.expire()
        self._delivery.wake()
        return outcome

    async def ttl_preview(self, feature: str, seconds: float | None = None) -> TtlPreview:
        """See `EnginePort`."""
        return await self._stores.previews.preview(feature, seconds)

    async def try_again(self) -> None:
        """Ask Redis whether it serves again, where it did not; a long-lived process does so by itself."""
        if self._stores.link.trouble is not None:
            await self._stores.link.probe()

    def switch_count(self) -> None:
        """See `EnginePort`."""
        self._key_count.switch()

    async def summary(self) -> str:
        """See `EnginePort`."""
        from opalmind_tui.engine.summarising import summed_up

        taken = await self.take_snapshot()
        return await summed_up(taken, self.settings, self._stores, self._reach, self._clock)

    async def audit(self, limit: int) -> tuple[AuditEntry, ...]:
        """What operators did, the newest first. Raises `StoreUnavailable`."""
        return await self._stores.audit.newest(limit)

    async def times_to_live(self) -> Mapping[str, Ttl]:
        """Every time to live in force, by what it is of. Raises `StoreUnavailable`."""
        await self._stores.config.refresh()
        return self._stores.ttls.all()

    async def queue_view(self) -> QueueView:
        """The queue's counts and rates now. Raises `StoreUnavailable`."""
        return await self._looking.queue_view()

    async def cache_view(self) -> CacheView:
        """The report cache now. Raises `StoreUnavailable`."""
        return await self._looking.cache_view()

    async def health_document(self) -> dict[str, Any]:
        """The health document (DESIGN's shape of the reference, and more)."""
        return await self._looking.document()

    def export(
        self, states: Sequence[State], ids: Sequence[str] = (), wanted: Filter = NO_FILTER
    ) -> AsyncIterator[tuple[str, bytes | None]]:
        """Requests as lines that `queue import` reads; see `engine.exporting`."""
        from opalmind_tui.engine.exporting import exported

        return exported(self._stores, self._secrets, states, ids, wanted)

    async def services(self) -> ServicesView | None:
        """Ask the attached OpalMind services once, for at most a few seconds; None where there are none."""
        return await self._attached.ask()

    async def diagnose(self) -> Diagnosis:
        """See `EnginePort`."""
        from opalmind_tui.engine.examining import Examining

        look = self._looking
        return await Examining(
            self.settings, self._stores, self._probe, self.reporting, look.facts, self._clock
        ).diagnose()

    @cached_property
    def _acts(self) -> Acts:
        """Loaded by whoever acts: who only asks starts sooner without it."""
        from opalmind_tui.engine.acts import Acts
        from opalmind_tui.engine.acts.refetch import Refetch
        from opalmind_tui.engine.acts.table import kinds

        table = kinds(
            self._stores,
            endpoint=self.endpoint,
            user=self._user,
            memory_used=lambda: self._look.memory_used if self._look is not None else None,
            deliver=self._delivery.switch,
            test_token=self._test_token,
            look=self.queue_view,
            refetch=Refetch(lambda: self.reports, self._asking.refetch),
        )
        return Acts(
            table,
            self._stores.audit,
            read_only=self.settings.read_only,
            user=self._user,
            secrets=self._secrets,
            endpoint=self.endpoint,
            store_time=self._store_time,
        )

    async def _store_time(self) -> float:
        return (await self.queue.counts("")).at
