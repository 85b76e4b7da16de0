"""The queue's Lua scripts: how they are put together, and how they are run."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import redis.asyncio
from redis.commands.core import AsyncScript

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.storage.trouble import TROUBLES, trouble
from opalmind_tui.storage.trouble_table import FOREIGN_KEY
from opalmind_tui.tracking.redis_queue.keys import bytes_of

LIBRARIES: dict[str, tuple[str, ...]] = {
    "enqueue": ("endpoints", "admission", "fullness", "wake"),
    "claim": ("gates", "control", "lease", "wake"),
    "posted": ("control", "lease"),
    "extend": ("lease",),
    "settle": ("together", "control", "lease", "forget", "lately", "aside", "settled", "told"),
    "release": ("control", "lease"),
    "reap": ("lease", "forget", "aside"),
    "reconcile": ("lease", "holders", "forget", "aside", "settled"),
    "counts": ("control", "lately"),
    "rows": ("places", "side_by_side", "shown"),
    "window": ("places", "side_by_side", "shown", "lately"),
    "walk": ("places", "shown", "pages"),
    "ids": ("pages",),
    "retry": ("places", "together", "wake"),
    "kill": ("places", "together"),
    "take_back": ("lease", "holders"),
    "find": (),
    "purge": ("places", "together", "forget", "aside"),
    "restore": ("places", "together", "admission", "forget", "aside", "wake"),
    "close_gate": ("endpoints", "gates"),
    "open_gate": ("wake",),
    "set_control": ("endpoints", "control", "wake"),
    "control_now": ("control",),
    "adopt": ("endpoints", "admission", "wake"),
    "merge": (),
    "records": ("admission", "forget"),
    "foreign": (),
}
"""What each script needs besides the prelude."""

_FOLDER = Path(__file__).parents[1] / "scripts"
Argument = str | bytes | int
T = TypeVar("T", str, bytes)
NOT_NAMED: tuple[type[BaseException], ...] = (*TROUBLES, ValueError)
"""What can come of asking which key was overwritten."""


def source_of(name: str) -> str:
    """The whole text of a script."""
    return "\n".join(map(_part, ("prelude", *LIBRARIES[name], name)))


@cache
def _part(name: str) -> str:
    return (_FOLDER / f"{name}.lua").read_text("utf-8")


class Scripts:
    """Runs the scripts of one queue, by their hash; a server that does not know one is given it.

    Args:
        client: with byte replies and without retries of its own.
        tag: the queue's prefix with its hash tag, the first key of every script.
    """

    def __init__(self, client: redis.asyncio.Redis, tag: bytes) -> None:
        self._client = client
        self._tag = tag
        self._made: dict[str, AsyncScript] = {}

    def make_all(self) -> None:
        """Put all of them together. Who lives long does it early: an upgrade may put other files in the place of ours,
        and scripts of two versions must not meet."""
        for name in LIBRARIES:
            self._script(name)

    def _script(self, name: str) -> AsyncScript:
        made = self._made.get(name)
        if made is None:
            made = self._made[name] = self._client.register_script(source_of(name))
        return made

    async def run(self, name: str, arguments: Sequence[Argument] = (), records: Sequence[bytes] = ()) -> Any:
        """Run a script. Raises `StoreUnavailable`.

        Args:
            records: full keys of idempotency records that the script touches.
        """
        try:
            return await self._script(name)(keys=[self._tag, *records], args=arguments)
        except TROUBLES as error:
            raise await self._trouble(error) from error

    async def _trouble(self, error: BaseException) -> StoreUnavailable:
        """What an error means; of an overwritten key with its name, for all of them are made of our own letters."""
        found = trouble(error)
        if found.kind != FOREIGN_KEY:
            return found
        try:
            name, kind, *_ = await self._script("foreign")(keys=[self._tag])
        except NOT_NAMED:
            # Gone by now, or Redis is.
            return found
        place = self._tag.decode("utf-8", "replace") + name.decode("ascii", "replace")
        sentence = f"The queue's key {place} was overwritten: it holds a {kind.decode('ascii', 'replace')}"
        remedy = f"{found.remedy} The queue mends itself then."
        return StoreUnavailable(found.kind, sentence, remedy, falls_back=found.falls_back)

    async def text_at(self, key: bytes, most: int) -> tuple[bytes | None, float | None]:
        """The beginning of a plain value, and the seconds that it will stay (None: for ever); none where there is none,
        or something else. Raises `StoreUnavailable`."""
        pipe = self._client.pipeline(transaction=False)
        pipe.getrange(key, 0, most - 1)
        pipe.pttl(key)
        try:
            value, left = await pipe.execute(raise_on_error=False)
        except TROUBLES as error:
            raise trouble(error) from error
        if not isinstance(value, bytes) or not value:
            return None, None
        return value, left / 1000 if isinstance(left, int) and left >= 0 else None

    async def bodies(self, ids: Sequence[str]) -> dict[str, bytes]:
        """The stored bodies of those that exist. Raises `StoreUnavailable`."""
        return await self.fields(b"msg", ids)

    async def fields(self, name: bytes, wanted: Sequence[T]) -> dict[T, bytes]:
        """What stands in fields of one of the queue's hashes. Raises `StoreUnavailable`."""
        try:
            names = [bytes_of(one) if isinstance(one, str) else one for one in wanted]
            found = await self._client.hmget((self._tag + name).decode(), names) if wanted else []
        except TROUBLES as error:
            raise await self._trouble(error) from error
        return {field: value for field, value in zip(wanted, found, strict=True) if isinstance(value, bytes)}
