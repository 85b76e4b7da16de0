"""Asking Matomo for reports."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

import orjson

from opalmind_tui.errors import MatomoError
from opalmind_tui.matomo.endpoints import credentials, reporting_url
from opalmind_tui.matomo.masking import mask
from opalmind_tui.matomo.network import WORDS, failure_of, tls_context, uses_proxies
from opalmind_tui.matomo.report_errors import RETRIED, error_in, error_of_status
from opalmind_tui.matomo.retry_after import date_of, retry_after

if TYPE_CHECKING:
    import httpx

TIMEOUT = 10.0
"""Seconds for one attempt."""
ATTEMPTS = 3
DELAY, LONGEST_DELAY, JITTER = 0.25, 2.0, 0.25
"""Seconds: the wait before the second attempt, doubling up to the longest, and what is added at random."""
PATIENCE = 10.0
"""Seconds that a call waits because Matomo asked for it; a longer wait fails at once and says how long."""
BODY_LIMIT = 32 * 1024 * 1024
"""Bytes of an answer."""


class ReportingClient:
    """Calls methods of Matomo's reporting API.

    Args:
        base_url: `MATOMO_BASE_URL`; may hold a user and password for a web server before Matomo.
        token: `MATOMO_TOKEN`, empty for none.
        timeout: seconds for one attempt.
        clock: epoch seconds.
        sleep: waits that many seconds.
        uniform: a random number between two bounds.

    The first refusal of the token is remembered, and nothing is asked with it again: twenty-one uses of a bad token
    within an hour lock good ones out, too (ruling 11). Used from one event loop; `close` it.
    """

    def __init__(
        self,
        base_url: str,
        token: str = "",
        *,
        timeout: float = TIMEOUT,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._url = reporting_url(base_url)
        self._auth = credentials(base_url)
        self._token = token
        self._secrets = tuple(secret for secret in (token, *(self._auth or ())[1:]) if secret)
        self._timeout = timeout
        self._clock, self._sleep, self._uniform = clock, sleep, uniform
        self._opened: httpx.AsyncClient | None = None
        self._not_before = 0.0
        self.clock_offset: tuple[float, float] | None = None
        """Seconds by which Matomo's clock was ahead of ours at the newest answer, and by how much that may be wrong."""
        self.refusal: MatomoError | None = None
        """Why the token is not used any more, if it was refused."""

    async def close(self) -> None:
        """Close the connections."""
        if self._opened is not None:
            await self._opened.aclose()

    def forget_refusal(self) -> None:
        """An operator asks again: the token may be used."""
        self.refusal = None

    async def call(self, method: str, params: Mapping[str, str | int | float] | None = None) -> Any:
        """Call a method and return what it answers, as JSON holds it.

        Args:
            method: such as ``VisitsSummary.get``.
            params: its parameters by Matomo's names.

        Raises `MatomoError`: also for an error inside a 200, and for an answer that is no JSON.
        """
        if self.refusal is not None:
            raise MatomoError("auth", f"{self.refusal.message} (not asked again)", status=self.refusal.status)
        query = {"module": "API", "method": method, "format": "JSON", **(params or {})}
        for attempt in range(1, ATTEMPTS + 1):
            await self._wait_for_turn()
            try:
                return await self._attempt(query)
            except MatomoError as error:
                self._remember(error)
                wait = self._wait_after(error, attempt)
                if wait is None:
                    raise
                await self._sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    async def _attempt(self, query: Mapping[str, str | int | float]) -> Any:
        import httpx

        try:
            async with asyncio.timeout(self._timeout):
                return await self._exchange(query)
        except TimeoutError:
            raise MatomoError("timeout", f"Matomo did not answer within {self._timeout:g} s") from None
        except (httpx.HTTPError, OSError) as error:
            kind = "timeout" if isinstance(error, httpx.TimeoutException) else "network"
            raise MatomoError(kind, f"Matomo: {WORDS[failure_of(error, sent=True)]}") from None

    async def _exchange(self, query: Mapping[str, str | int | float]) -> Any:
        # In the body of a POST, because a token made "only for secure requests" (the default for new ones) is refused
        # in a URL, and a URL is written to logs on its way. All recorded calls work this way.
        form = {"token_auth": self._token} if self._token else {}
        asked = self._clock()
        async with self._client().stream("POST", self._url, params=dict(query), data=form) as response:
            self._compare_clocks(response.headers, asked, self._clock())
            raw = await self._read(response)
        if not response.is_success or any(secret.encode() in raw for secret in self._secrets):
            raw = mask(raw.decode("utf-8", "replace"), self._secrets).encode()
        if not response.is_success:
            hint = retry_after(response.headers, self._clock())
            raise error_of_status(response.status_code, raw.decode(), hint)
        try:
            data = orjson.loads(raw)
        except orjson.JSONDecodeError:
            raise self._not_json(raw, response.status_code) from None
        if (error := error_in(data, self._masked, response.status_code)) is not None:
            raise error
        return data

    def _compare_clocks(self, headers: Mapping[str, str], asked: float, answered: float) -> None:
        told = date_of(headers.get("date", ""))
        # What comes from a cache on the way carries an old date.
        if told is not None and "age" not in headers:
            # A date is cut to whole seconds.
            self.clock_offset = (told + 0.5 - (asked + answered) / 2, 0.5 + max(0.0, answered - asked) / 2)

    async def _read(self, response: httpx.Response) -> bytes:
        pieces: list[bytes] = []
        size = 0
        async for piece in response.aiter_bytes():
            pieces.append(piece)
            size += len(piece)
            if size > BODY_LIMIT:
                limit = BODY_LIMIT // (1024 * 1024)
                raise MatomoError("parse", f"The report is larger than {limit} MB: ask for fewer rows")
        return b"".join(pieces)

    def _masked(self, text: str) -> str:
        return mask(text, self._secrets)

    def _not_json(self, raw: bytes, status: int) -> MatomoError:
        start = self._masked(raw[:2000].decode("utf-8", "replace")).strip()
        if start.startswith("<") or "not installed" in start:
            return MatomoError("parse", "A web page came back: is MATOMO_BASE_URL right, is Matomo installed?",
                               status=status)  # fmt: skip
        return MatomoError("parse", f"The answer is no JSON: {start[:200]}", status=status)

    def _client(self) -> httpx.AsyncClient:
        import httpx

        if self._opened is None:
            self._opened = httpx.AsyncClient(
                auth=self._auth,
                timeout=httpx.Timeout(self._timeout),
                limits=httpx.Limits(max_connections=8, max_keepalive_connections=4, keepalive_expiry=2.0),
                headers={"accept": "application/json", "user-agent": "opalmind-tui"},
                follow_redirects=False,
                verify=tls_context(self._url),
                trust_env=uses_proxies(self._url),
            )
        return self._opened

    async def _wait_for_turn(self) -> None:
        """Matomo asked everybody to wait: a short wait is kept, a long one fails at once."""
        wait = self._not_before - self._clock()
        if wait > PATIENCE:
            raise MatomoError("rate-limit", f"Matomo asked to wait {wait:.0f} s more", retry_after=wait)
        if wait > 0:
            await self._sleep(wait)

    def _remember(self, error: MatomoError) -> None:
        if error.kind == "auth":
            self.refusal = error
        if error.kind == "rate-limit" and error.status is not None:
            hint = 1.0 if error.retry_after is None else error.retry_after
            self._not_before = max(self._not_before, self._clock() + hint)

    def _wait_after(self, error: MatomoError, attempt: int) -> float | None:
        """Seconds until the next attempt, or None where there is none."""
        if attempt == ATTEMPTS or error.kind not in RETRIED:
            return None
        own: float = min(LONGEST_DELAY, DELAY * 2 ** (attempt - 1)) + self._uniform(0.0, JITTER)
        if error.retry_after is None:
            return own
        return max(own, error.retry_after) if error.retry_after <= PATIENCE else None
