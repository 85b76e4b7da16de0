"""Posting bulks of hits. One client belongs to one sender: many callers on one connection pool slow each other down."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from opalmind_tui.matomo.answer import BulkAnswer, Failure
from opalmind_tui.matomo.endpoints import credentials, tracking_url
from opalmind_tui.matomo.masking import mask
from opalmind_tui.matomo.network import WORDS, failure_of, tls_context, uses_proxies

if TYPE_CHECKING:
    import httpx

CONNECT_TIMEOUT = 5.0
"""Seconds. A connection that fails has sent nothing, so it may fail fast."""
READ_TIMEOUT = 30.0
"""Seconds without a byte. An answer given up on means an unknown outcome, so waiting is cheaper."""
BODY_LIMIT = 262_144
"""Bytes of an answer that are read. Matomo's own are under 2 KB for 200 hits."""
KEEP_ALIVE = 2.0
"""Seconds. PHP and Apache close idle connections after 5: a post into a closing one would have no known outcome."""
_HEADERS_KEPT = ("content-type", "date", "location", "retry-after", "x-matomo-rate-limit-reset")


class TrackingClient:
    """Sends bulks to one Matomo over connections of its own.

    Args:
        base_url: `MATOMO_BASE_URL`; may hold a user and password for a web server before Matomo.
        token: `MATOMO_TOKEN`, empty for none.
        timeout: seconds without a byte of the answer, and for the request to leave.
        connect_timeout: seconds for a connection with TLS.
        clock: epoch seconds.

    Used from one event loop; `close` it.
    """

    def __init__(
        self,
        base_url: str,
        token: str = "",
        *,
        timeout: float = READ_TIMEOUT,
        connect_timeout: float = CONNECT_TIMEOUT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        import httpx

        self._url = tracking_url(base_url)
        self._token = token
        auth = credentials(base_url)
        self._secrets = tuple(secret for secret in (token, *(auth or ())[1:]) if secret)
        self._clock = clock
        # A server that drips byte after byte never meets a read time-out; this ends it.
        self._deadline = connect_timeout + 2 * timeout
        self._client = httpx.AsyncClient(
            auth=auth,
            timeout=httpx.Timeout(timeout, connect=connect_timeout),
            limits=httpx.Limits(max_connections=2, max_keepalive_connections=1, keepalive_expiry=KEEP_ALIVE),
            headers={"content-type": "application/json", "accept-encoding": "identity", "user-agent": "opalmind-tui"},
            follow_redirects=False,
            verify=tls_context(self._url),
            trust_env=uses_proxies(self._url),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def post_bulk(self, hits: Sequence[Mapping[str, str]], *, with_token: bool) -> BulkAnswer:
        """Post the hits in one request. Never raises for trouble with the network or the answer.

        Args:
            hits: Matomo's parameters of each.
            with_token: whether the token goes with them.
        """
        started, began = self._clock(), time.monotonic()
        body = _encode(hits, self._token if with_token else "")
        if body is None:
            return BulkAnswer(failure=Failure.UNENCODABLE, detail=WORDS[Failure.UNENCODABLE], sent=False, at=started)
        answer = await self._exchange(body)
        elapsed = time.monotonic() - began
        return BulkAnswer(**answer, elapsed=elapsed, at=started + elapsed)

    async def _exchange(self, body: bytes) -> dict[str, Any]:
        import httpx

        progress = _Progress()
        found: dict[str, Any] = {}
        try:
            async with asyncio.timeout(self._deadline):
                request = self._client.build_request(
                    "POST", self._url, content=body, extensions={"trace": progress.trace}
                )
                response = await self._client.send(request, stream=True)
                try:
                    found = {"status": response.status_code, "headers": self._kept(response.headers)}
                    found["body"] = self._text(await _bounded(response), response.encoding)
                finally:
                    await response.aclose()
        except (httpx.HTTPError, OSError) as error:
            failure = failure_of(error, sent=progress.sent)
            return found | {"failure": failure, "detail": WORDS[failure], "sent": progress.sent}
        return found

    def _kept(self, headers: httpx.Headers) -> dict[str, str]:
        return {name: self._masked(headers[name])[:500] for name in _HEADERS_KEPT if name in headers}

    def _text(self, raw: bytes, encoding: str | None) -> str:
        try:
            return self._masked(raw.decode(encoding or "utf-8", "replace"))
        except LookupError:
            return self._masked(raw.decode("utf-8", "replace"))

    def _masked(self, text: str) -> str:
        return mask(text, self._secrets)


class _Progress:
    """Whether the whole request has left: from then on Matomo may have it, whatever becomes of the connection."""

    def __init__(self) -> None:
        self.sent = False

    async def trace(self, event: str, _info: Mapping[str, Any]) -> None:
        if event.endswith("send_request_body.complete"):
            self.sent = True


def _encode(hits: Sequence[Mapping[str, str]], token: str) -> bytes | None:
    """Strictly valid JSON, or None: one NaN or lone surrogate, as Python's own module writes them, loses the batch."""
    document: dict[str, Any] = {"requests": [dict(hit) for hit in hits]}
    if token:
        document["token_auth"] = token
    try:
        return orjson.dumps(document)
    except orjson.JSONEncodeError:
        return None


async def _bounded(response: httpx.Response) -> bytes:
    """The beginning of the answer, at most `BODY_LIMIT` bytes."""
    pieces: list[bytes] = []
    size = 0
    async for piece in response.aiter_bytes():
        pieces.append(piece)
        size += len(piece)
        if size >= BODY_LIMIT:
            break
    return b"".join(pieces)[:BODY_LIMIT]
