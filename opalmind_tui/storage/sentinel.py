"""The primary by its name: sentinels say which Redis it is now, and connections follow it.

All sentinels are asked at once, and the newest election that any of them knows of counts: one that was cut off may
still name the former primary.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import cycle
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.settings.model import Settings
from opalmind_tui.storage.trouble import TROUBLES, Demoted, Named, trouble, trouble_of_kind

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = logging.getLogger(__name__)
ASK_TIMEOUT = 0.5
"""Seconds that a sentinel may take."""
GRACE = 0.05
"""Seconds that others may take once one has answered, so that a newer election is heard of."""
FRESH = 0.25
"""Seconds that an answer holds, for connections that are opened together."""
CHECK_EVERY = 5.0
"""Seconds between two questions while no fail-over is heard of: the sentinel that would tell may be cut off itself."""
NEXT_AFTER = 1.0
"""Seconds until the next sentinel is listened to, where one fell silent."""
SWITCHED = "+switch-master"
_BARRED = ("auth", "no-auth", "permission")
_UNKNOWN = "NO SUCH MASTER"

Node = tuple[str, int]
Dial = Callable[[Settings], "Redis"]


class Primary(Struct, frozen=True):
    """What one sentinel says of the primary.

    Args:
        epoch: number of the election that made it.
        serves: this sentinel does not hold it for down.
    """

    node: Node
    epoch: int
    serves: bool


class Locator:
    """Knows which Redis is the primary of one name.

    Args:
        settings: names the sentinels, the primary, and how to get in.
        dial: makes a client for one sentinel.
    """

    def __init__(self, settings: Settings, dial: Dial) -> None:
        self.name = settings.sentinel_master
        self._nodes = [_settings_of(settings, node) for node in settings.sentinels]
        self._dial = dial
        self._asked_at = float("-inf")
        self.current: Node | None = None
        """Where the primary was when it was last found."""

    async def find(self) -> Node:
        """Host and port of the primary. Raises `Named`."""
        if self.current is None or time.monotonic() - self._asked_at > FRESH:
            self.current = _chosen(await self._answers())
            self._asked_at = time.monotonic()
        return self.current

    def find_blocking(self) -> Node:
        """The same, in a thread that runs no event loop."""
        return asyncio.run(self.find())

    async def watch(self) -> None:
        """Hear of fail-overs while the former primary still serves: what it takes then is lost. Runs until it is
        cancelled; listens to one sentinel after the other."""
        for node in cycle(self._nodes):
            client = self._dial(node)
            try:
                await self._listen(client)
            except TROUBLES as error:
                log.debug("A sentinel is silent: %s", trouble(error).kind)
            finally:
                await client.aclose()
            await asyncio.sleep(NEXT_AFTER)

    async def _listen(self, client: Redis) -> None:
        """Until the sentinel says nothing any more."""
        pubsub: Any = client.pubsub()
        try:
            await pubsub.subscribe(SWITCHED)
            quiet = 0
            while quiet < 2:
                heard = await pubsub.get_message(timeout=CHECK_EVERY)
                quiet = quiet + 1 if heard is None else 0
                if heard is None:
                    await pubsub.ping()
                if heard is None or heard["type"] == "message":
                    self.forget()
                    await self._look_again()
        finally:
            await pubsub.aclose()

    async def _look_again(self) -> None:
        """Undecided sentinels change nothing: the primary that is known may serve all the same."""
        with suppress(Named):
            await self.find()

    def forget(self) -> None:
        """Whoever is there did not serve: ask before the next connection."""
        self._asked_at = float("-inf")

    async def _answers(self) -> list[Primary | StoreUnavailable]:
        waiting = {asyncio.create_task(self._ask(node)) for node in self._nodes}
        answers: list[Primary | StoreUnavailable] = []
        patience: float | None = None
        try:
            while waiting:
                done, waiting = await asyncio.wait(waiting, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                if not done:
                    break
                answers += [task.result() for task in done]
                if any(isinstance(answer, Primary) and answer.serves for answer in answers):
                    patience = GRACE
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        return answers

    async def _ask(self, node: Settings) -> Primary | StoreUnavailable:
        client = self._dial(node)
        try:
            state: Any = await client.execute_command("SENTINEL", "MASTER", self.name)  # type: ignore[no-untyped-call]
            where: Any = await client.execute_command(  # type: ignore[no-untyped-call]
                "SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.name
            )
            return _read(state, where)
        except TROUBLES as error:
            return trouble_of_kind("sentinel-unknown") if _UNKNOWN in str(error).upper() else trouble(error)
        finally:
            await client.aclose()


def _settings_of(settings: Settings, node: Node) -> Settings:
    """How to get to one sentinel."""
    return replace(
        settings, sentinels=(), redis_host=node[0], redis_port=node[1], redis_db=0,
        redis_username=settings.sentinel_username, redis_password=settings.sentinel_password,
    )  # fmt: skip


def _read(state: Any, where: Any) -> Primary | StoreUnavailable:
    """The answers to SENTINEL MASTER (names and values in turn) and GET-MASTER-ADDR-BY-NAME.

    During a fail-over the second already names the new primary, and the first still tells of the former one.
    """
    try:
        told = {
            name.decode("ascii"): value.decode("ascii") for name, value in zip(state[::2], state[1::2], strict=True)
        }
        former = (told["ip"], int(told["port"]))
        node = (where[0].decode("ascii"), int(where[1]))
        up = not {"s_down", "o_down", "disconnected"} & set(told["flags"].split(","))
        return Primary(node, int(told["config-epoch"]), up or node != former)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return trouble_of_kind("broken")


def _chosen(answers: Sequence[Primary | StoreUnavailable]) -> Node:
    """The primary of the newest election, if anybody reaches it. Raises `Named`."""
    found = [answer for answer in answers if isinstance(answer, Primary)]
    if found:
        newest = max(one.epoch for one in found)
        serving = [one.node for one in found if one.epoch == newest and one.serves]
        if not serving:
            raise Named("sentinel-no-primary")
        return serving[0]
    kinds = [answer.kind for answer in answers if isinstance(answer, StoreUnavailable)]
    if "sentinel-unknown" in kinds:
        raise Named("sentinel-unknown")
    if any(kind in _BARRED for kind in kinds):
        raise Named("sentinel-auth")
    raise Named("sentinel-tls" if any(kind.startswith("tls") for kind in kinds) else "sentinel-away")


@lru_cache(maxsize=8)
def locator_of(settings: Settings, dial: Dial) -> Locator:
    """The one locator of these settings: what one connection learns, all know."""
    return Locator(settings, dial)


def following(kind: type[Any], locator: Locator) -> type[Any]:
    """A kind of redis-py's asyncio TCP connections that goes to where the primary is."""

    class Following(kind):  # type: ignore[misc]
        demoted = False
        """What it is connected to is the primary no more."""

        async def connect(self) -> None:
            if self.is_connected and (self.demoted or locator.current != (self.host, self.port)):
                await self.disconnect()
            await super().connect()

        async def _connect(self) -> None:
            async with asyncio.timeout(self.socket_connect_timeout):
                self.host, self.port = await locator.find()
            self.demoted = False
            try:
                await super()._connect()
            except (OSError, TimeoutError):
                locator.forget()
                raise

        async def read_response(self, *arguments: Any, **named: Any) -> Any:
            try:
                return await super().read_response(*arguments, **named)
            except TROUBLES as error:
                _note(self, locator, error)
                raise

    return Following


def following_blocking(kind: type[Any], locator: Locator) -> type[Any]:
    """The same for blocking connections, in a thread that runs no event loop."""

    class Following(kind):  # type: ignore[misc]
        demoted = False

        def connect(self) -> None:
            if self._sock is not None and (self.demoted or locator.current != (self.host, self.port)):
                self.disconnect()
            super().connect()

        def _connect(self) -> Any:
            self.host, self.port = locator.find_blocking()
            self.demoted = False
            try:
                return super()._connect()
            except (OSError, TimeoutError):
                locator.forget()
                raise

        def read_response(self, *arguments: Any, **named: Any) -> Any:
            try:
                return super().read_response(*arguments, **named)
            except TROUBLES as error:
                _note(self, locator, error)
                raise

    return Following


def _note(connection: Any, locator: Locator, error: BaseException) -> None:
    """What a failed answer means for the way to the primary. Raises `Demoted` for a primary that is a replica now."""
    found = trouble(error)
    if found.kind in ("readonly", Demoted.kind):
        connection.demoted = True
        locator.forget()
        raise Demoted(str(error)) from error
    if found.in_doubt:
        locator.forget()
