"""The stand-in's own log: what it stored, so that a test can prove what arrived, and how often."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

import orjson
from msgspec import Struct
from msgspec.structs import asdict


class Hit(Struct, frozen=True):
    """One stored hit.

    Args:
        at: when it arrived (epoch seconds).
        time: the moment that it counts for: `cdt` where that was taken, else `at`.
        post: number of the request that brought it, `index` its place therein.
        params: Matomo's parameters as they came, without `token_auth`.
    """

    at: float
    time: float
    post: int
    index: int
    params: Mapping[str, str]


class Post(Struct, frozen=True):
    """One tracking request that was read in full, whatever came of it.

    Args:
        sent: hits in it. tracked, invalid: what the answer said. stored: what was kept.
        status: of the answer. wire: what of the answer reached the client. fault: why, if it was one.
    """

    number: int
    at: float
    kind: str
    sent: int
    tracked: int
    invalid: int
    stored: int
    status: int
    wire: str
    fault: str


class Journal:
    """Stored hits and requests.

    Args:
        path: a file that gets one JSON line a stored hit, flushed after each request; made 0600.
        keep: hits and requests kept in memory, the newest. `counts` refuses to answer once older ones are gone.
    """

    def __init__(self, path: Path | None = None, *, keep: int = 200_000) -> None:
        self.path = path
        self.hits: deque[Hit] = deque(maxlen=keep)
        self.posts: deque[Post] = deque(maxlen=keep)
        self.stored = 0
        """Hits stored since the start."""
        self.overlaps: Counter[str] = Counter()
        """Visitors that were in two requests at the same time, with how often."""
        self._active: Counter[str] = Counter()
        self._file: IO[bytes] | None = None

    def open(self) -> None:
        """Open the file, if there is to be one. Raises `OSError`."""
        if self.path is not None and self._file is None:
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            os.fchmod(handle, 0o600)
            self._file = os.fdopen(handle, "ab")

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def write(self, post: Post, hits: Sequence[Hit]) -> None:
        """Add a request and what it stored."""
        self.posts.append(post)
        self.hits.extend(hits)
        self.stored += len(hits)
        if self._file is not None and hits:
            self._file.writelines(orjson.dumps(asdict(hit), option=orjson.OPT_APPEND_NEWLINE) for hit in hits)
            self._file.flush()

    def enter(self, visitors: Iterable[str]) -> None:
        """Note the visitors of a request that is being answered, and which of them are in another one, too."""
        for visitor in visitors:
            self._active[visitor] += 1
            if self._active[visitor] > 1:
                self.overlaps[visitor] += 1

    def leave(self, visitors: Iterable[str]) -> None:
        """Note that the request is answered."""
        for visitor in visitors:
            self._active[visitor] -= 1
            if not self._active[visitor]:
                del self._active[visitor]

    def counts(self, name: str) -> Counter[str]:
        """How often each value of a parameter (``pv_id``, ``ec_id``, ``url`` ...) was stored."""
        return self.counts_by(lambda hit: hit.params.get(name))

    def counts_by(self, key: Callable[[Hit], str | None]) -> Counter[str]:
        """How often each key was stored. Raises `LookupError` when older hits were let go: no half truths."""
        if self.stored > len(self.hits):
            raise LookupError(f"the journal keeps the newest {len(self.hits)} of {self.stored} hits")
        return Counter(found for hit in self.hits if (found := key(hit)) is not None)

    def repeated(self, name: str) -> dict[str, int]:
        """Values of a parameter that were stored more than once."""
        return {value: count for value, count in self.counts(name).items() if count > 1}
