"""Whether Matomo answers: asked rarely, in the background, never again with a token that was refused (ruling 11)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from hashlib import blake2b
from importlib import import_module
from typing import TYPE_CHECKING, Any

import orjson

from opalmind_tui.errors import MatomoError
from opalmind_tui.settings import Settings
from opalmind_tui.snapshot.model import Reading
from opalmind_tui.storage.link import RedisLink
from opalmind_tui.storage.trouble import TROUBLES, trouble

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from opalmind_tui.matomo.reporting_client import ReportingClient

ASK_EVERY = 30.0
"""Seconds between two questions of one process."""
ASK_SOONER = 5.0
"""Seconds until the second question when the first got no answer, doubling up to `ASK_EVERY`: what was over at once is
not said to fail for half a minute."""
NO_ANSWER = frozenset({"network", "server", "timeout"})
"""Kinds of error that may be over at any moment, and that asking again makes no worse."""
FRESH = 60.0
"""Seconds for which an answer that another process got is good enough."""
REFUSED_FOR = 3600
"""Seconds for which nobody uses a token that Matomo refused: twenty-one uses within an hour lock good ones out, too."""
PATIENCE = 5.0
"""Seconds that one question may take."""
VERSION_METHODS = ("API.getMatomoVersion", "API.getVersion")
"""The newer name first; an old Matomo knows only the second."""


class MatomoProbe:
    """Asks Matomo for its version and shares the verdict in Redis.

    Args:
        client: asks; None where no Matomo is configured.
        store: where the verdict is shared.
        link: whether the store serves.
    """

    def __init__(
        self,
        settings: Settings,
        client: ReportingClient | None,
        store: Redis,
        link: RedisLink,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._store = store
        self._link = link
        self._clock = clock
        self._writes = not settings.read_only
        self._key = verdict_key(settings)
        self.reading: Reading[float] = Reading()
        """Seconds that the newest answer took, or why there was none."""
        self.kind = ""
        """What kind of error it was, as in `MatomoError`; empty for none."""

    async def ask(self) -> None:
        """Get a verdict: a fresh one of another process, else by asking."""
        if self._client is None:
            return
        known = await self._known()
        if known is None:
            await self._ask(self._client)
        else:
            self.reading, self.kind = known, "" if known.error is None else "auth"

    async def ask_again(self) -> None:
        """Ask whatever was found out before: an operator wants to know."""
        if self._client is not None:
            await self._ask(self._client)

    async def _ask(self, client: ReportingClient) -> None:
        # Loading an HTTP client takes longer than most answers do; it is not Matomo's time, nor the screen's.
        await asyncio.to_thread(import_module, "httpx")
        self.kind = ""
        started = time.perf_counter()
        try:
            async with asyncio.timeout(PATIENCE):
                await self._version(client)
            self.reading = Reading(time.perf_counter() - started, self._clock())
        except MatomoError as error:
            self.kind = error.kind
            self.reading = Reading(None, self._clock(), error.message)
        except TimeoutError:
            self.kind = "timeout"
            self.reading = Reading(None, self._clock(), f"no answer within {PATIENCE:g} s")
        await self._share(refused=self.kind == "auth")

    async def _version(self, client: ReportingClient) -> None:
        newest, oldest = VERSION_METHODS
        try:
            await client.call(newest)
        except MatomoError as error:
            if error.kind != "client":
                raise
            await client.call(oldest)

    async def watch(self) -> None:
        """Ask again and again. Runs until it is cancelled."""
        soon = ASK_SOONER
        while True:
            await self.ask()
            silent = self.kind in NO_ANSWER
            await asyncio.sleep(soon if silent else ASK_EVERY)
            soon = min(2 * soon, ASK_EVERY) if silent else ASK_SOONER

    async def _known(self) -> Reading[float] | None:
        """What another process found out of late."""
        if not self._link.reachable:
            return None
        try:
            raw = await self._store.get(self._key)
        except TROUBLES as error:
            self._failed(error)
            return None
        return _decode(raw, self._clock())

    def _failed(self, error: BaseException) -> None:
        """Who may not share a verdict can still look at everything else."""
        if (found := trouble(error)).kind != "permission":
            self._link.report(found)

    async def _share(self, *, refused: bool) -> None:
        if not self._writes or not self._link.writable:
            return
        found = {"at": self.reading.at, "seconds": self.reading.value, "error": self.reading.error, "refused": refused}
        try:
            await self._store.set(self._key, orjson.dumps(found), ex=REFUSED_FOR if refused else int(FRESH))
        except TROUBLES as error:
            self._failed(error)


def verdict_key(settings: Settings) -> str:
    """Where the verdict on the token is: by hash, for neither the token nor what gives it away is in a key (I10)."""
    told = f"{settings.matomo_base_url}\n{settings.matomo_token}".encode()
    return f"{settings.stats_prefix}matomo:{blake2b(told, digest_size=12).hexdigest()}"


def _decode(raw: Any, now: float) -> Reading[float] | None:
    """A shared verdict that still counts, or None."""
    try:
        data = orjson.loads(raw) if raw else None
    except orjson.JSONDecodeError:
        return None
    if not isinstance(data, dict) or not isinstance(data.get("at"), int | float):
        return None
    seconds, error = data.get("seconds"), data.get("error")
    age = now - data["at"]
    if data.get("refused") is True and age < REFUSED_FOR:
        return Reading(None, data["at"], f"{error} (not asked again)")
    if not isinstance(seconds, int | float) or error is not None or not 0 <= age < FRESH:
        return None
    return Reading(float(seconds), float(data["at"]))
