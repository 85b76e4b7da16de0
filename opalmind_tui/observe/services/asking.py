"""Asks a service for its health document over HTTP. Whatever answers, one value comes back, never an exception."""

from __future__ import annotations

import asyncio
import time
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib import import_module
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec import Struct

from opalmind_tui.matomo.answer import Failure
from opalmind_tui.matomo.masking import mask
from opalmind_tui.matomo.network import WORDS, failure_of, tls_context, uses_proxies
from opalmind_tui.matomo.retry_after import retry_after
from opalmind_tui.observe.services.document import NoDocument, figures_of
from opalmind_tui.settings import Settings
from opalmind_tui.snapshot.services import Reach, ServiceFigures

if TYPE_CHECKING:
    import httpx

PATIENCE = 40.0
"""Seconds for one answer: a service whose Matomo, or whose Redis, is away was seen to take 33 s to say so."""
CONNECT = 5.0
"""Seconds for a connection."""
BODY_LIMIT = 1024 * 1024
"""Bytes of an answer; a health document has about one thousand."""
TOGETHER = 4
"""Services asked at a time."""
TOOL, OPEN = "/tools/get-health-status", "/health"
_FAILED = 500
_TELLING = (200, 500, 503)
"""Codes that come with a health document, or with the reason why there is none."""


class Told(Struct, frozen=True):
    """What came of asking.

    Args:
        took: seconds; None where nothing answered.
        wait: seconds that the service asks to be left alone.
    """

    reach: Reach
    figures: ServiceFigures | None = None
    trouble: str = ""
    took: float | None = None
    wait: float = 0.0


class Asker:
    """Asks services; one HTTP client for all. Used from one event loop; `close` it.

    Args:
        together: how many are asked at a time.
    """

    def __init__(self, settings: Settings, together: int = TOGETHER) -> None:
        self._token = settings.bearer_token
        self._secrets = settings.secrets()
        self._urls = settings.api_urls
        self._opened: httpx.AsyncClient | None = None
        self._together = together
        self._turn = asyncio.Semaphore(together)

        self.open_only = not self._token
        """There is no token: the open document is asked for."""

    async def close(self) -> None:
        """Close the connections."""
        if self._opened is not None:
            await self._opened.aclose()
            self._opened = None

    async def ask(self, url: str, patience: float = PATIENCE) -> Told:
        """Ask the service at this base address; `patience`: seconds, for the whole of it."""
        async with self._turn:
            # Loading an HTTP client takes longer than most answers do; that is not the service's time.
            await asyncio.to_thread(import_module, "httpx")
            import httpx

            started = time.perf_counter()
            try:
                async with asyncio.timeout(patience):
                    answer, body = await self._exchange(url)
            except TimeoutError:
                return Told(Reach.AWAY, trouble=f"No answer within {patience:g} s")
            except _TooMuch as error:
                return Told(Reach.STRANGE, trouble=str(error))
            except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
                return _not_told(error)
            return self._told(answer, body, time.perf_counter() - started)

    async def _exchange(self, url: str) -> tuple[httpx.Response, bytes]:
        method, path = ("GET", OPEN) if self.open_only else ("POST", TOOL)
        headers = {} if self.open_only else {"authorization": f"Bearer {self._token}"}
        async with self._client().stream(method, url + path, headers=headers) as response:
            return response, await _read(response)

    def _client(self) -> httpx.AsyncClient:
        import httpx

        if self._opened is None:
            secure = next((url for url in self._urls if url.startswith("https:")), "")
            near = [urlsplit(url).netloc for url in self._urls if not uses_proxies(url)]
            self._opened = httpx.AsyncClient(
                timeout=httpx.Timeout(PATIENCE, connect=CONNECT),
                limits=httpx.Limits(max_connections=self._together, max_keepalive_connections=0),
                # Not compressed: a small answer must not become a huge one here.
                headers={"accept": "application/json", "accept-encoding": "identity", "user-agent": "opalmind-tui"},
                follow_redirects=False,
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                verify=tls_context(secure),
                mounts={f"all://{place}": None for place in near},
            )
        return self._opened

    def _masked(self, text: str) -> str:
        return mask(text, self._secrets)

    def _told(self, answer: httpx.Response, body: bytes, took: float) -> Told:
        code = answer.status_code
        if answer.has_redirect_location or code in (301, 302, 303, 307, 308):
            place = self._masked(answer.headers.get("location", ""))[:200]
            where = f" to {place}" if place else ""
            return Told(Reach.STRANGE, trouble=f"It redirects (HTTP {code}){where}; not followed", took=took)
        if code in (401, 403):
            why = "it wants a token" if self.open_only else "the token is refused"
            return Told(Reach.DENIED, trouble=f"HTTP {code}: {why}", took=took)
        if code == 429:
            wait = retry_after(answer.headers, time.time()) or 0.0
            return Told(Reach.DENIED, trouble="HTTP 429: asked too often", took=took, wait=wait)
        try:
            figures = figures_of(body, self._masked)
        except NoDocument as error:
            if code >= _FAILED:
                return Told(Reach.AWAY, trouble=f"HTTP {code}: something before it answers in its place", took=took)
            return Told(Reach.STRANGE, trouble=str(error) if code == 200 else f"HTTP {code}. {error}", took=took)
        if code not in _TELLING:
            return Told(Reach.STRANGE, trouble=f"HTTP {code}: {figures.error or 'unexpected'}", took=took)
        trouble = f"Its health check failed: {figures.error}" if figures.error else ""
        return Told(Reach.UP, figures, trouble, took)


class _TooMuch(Exception):
    """The answer is larger, or packed otherwise, than a health document is."""


async def _read(response: httpx.Response) -> bytes:
    if (packing := response.headers.get("content-encoding", "identity").lower()) != "identity":
        raise _TooMuch(f"The answer is packed ({packing[:20]}), which was not asked for")
    pieces: list[bytes] = []
    size = 0
    async for piece in response.aiter_raw():
        pieces.append(piece)
        size += len(piece)
        if size > BODY_LIMIT:
            raise _TooMuch(f"The answer is larger than {BODY_LIMIT // 1024:,} KB: no health document is")
    return b"".join(pieces)


def _not_told(error: Exception) -> Told:
    import httpx

    if not isinstance(error, httpx.HTTPError | OSError):
        return Told(Reach.AWAY, trouble="The address cannot be used")
    failure = failure_of(error, sent=True)
    words = WORDS[failure]
    return Told(Reach.STRANGE if failure is Failure.GARBLED else Reach.AWAY, trouble=words[:1].upper() + words[1:])
