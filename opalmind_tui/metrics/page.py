"""What each path answers. Here alone the client library is used to write the text."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from opalmind_tui.metrics.families import families
from opalmind_tui.metrics.look import Looker
from opalmind_tui.text import safe_text

PLAIN = "text/plain; charset=utf-8"


class Answer(Struct, frozen=True):
    """An answer to a GET."""

    status: int
    body: bytes
    kind: str = PLAIN


class Pages:
    """The pages of one process, from its looks."""

    def __init__(self, looker: Looker) -> None:
        self._looker = looker
        self._registry = CollectorRegistry()
        self._registry.register(_Collector(looker))

    def answer(self, path: str, accept: str) -> Answer:
        """The answer to a path.

        Args:
            accept: the scraper's header of that name: it may prefer OpenMetrics.
        """
        if path == "/metrics":
            encode, kind = choose_encoder(accept)
            return Answer(200, encode(self._registry), kind)
        if path == "/healthz":
            return _state(self._looker.why_not_alive())
        if path == "/readyz":
            return _state(self._looker.why_not_ready())
        return Answer(404, b"/metrics, /healthz or /readyz\n")


class _Collector(Collector):
    def __init__(self, looker: Looker) -> None:
        self._looker = looker

    def collect(self) -> Iterator[Metric]:
        """The newest look; nothing before the first."""
        if self._looker.newest is not None:
            yield from families(self._looker.newest, self._looker.age)

    def describe(self) -> Iterator[Metric]:
        """Nothing: the registry would otherwise collect once to find out."""
        return iter(())


def _state(reason: str) -> Answer:
    return Answer(503, f"{safe_text(reason, 300)}\n".encode()) if reason else Answer(200, b"ok\n")
