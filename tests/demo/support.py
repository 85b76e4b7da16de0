"""Helpers of the demo's tests."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson

from opalmind_tui.demo.matomo import StandIn
from opalmind_tui.demo.matomo.accounts import Access, Account

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Shared by all clients: loading the system's certificates for each takes longer than most tests."""
TOKEN = "TOKEN"
TOKENS: Mapping[str, Account] = {
    "TOKEN_WRITE": Account(Access.WRITE),
    "TOKEN_ADMIN": Account(Access.ADMIN),
    "TOKEN_VIEW": Account(Access.VIEW, frozenset({1, 2, 3})),
    "TOKEN_SECURE_ONLY_SUPER": Account(Access.SUPER, secure_only=True),
    "TOKEN_SECURE_ONLY_WRITE": Account(Access.WRITE, secure_only=True),
    "TOKEN_EXPIRED_WRITE": Account(Access.WRITE, expired=True),
}


@asynccontextmanager
async def standing_in(**options: Any) -> AsyncIterator[tuple[StandIn, httpx.AsyncClient]]:
    """A started stand-in and a client whose base URL it is. Nothing may go wrong inside of the stand-in."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    options.setdefault("token", TOKEN)
    options.setdefault("tokens", TOKENS)
    stand_in = StandIn(**options)
    await stand_in.start()
    try:
        async with httpx.AsyncClient(base_url=stand_in.url, timeout=10, trust_env=False, verify=NO_TLS) as client:
            yield stand_in, client
    finally:
        await stand_in.stop()
    assert complaints == []


def hit(number: int = 0, **more: object) -> dict[str, object]:
    """A page view that is told from others by its `pv_id`."""
    return {"idsite": 1, "rec": 1, "url": f"https://shop.example.com/p{number}", "pv_id": f"{number:06d}", **more}


def bulk(*hits: object, token: str | None = TOKEN, **more: object) -> bytes:
    """The body of a bulk."""
    return orjson.dumps({"requests": list(hits), **({"token_auth": token} if token else {}), **more})
