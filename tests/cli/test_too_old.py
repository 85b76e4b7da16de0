"""What only a token lets in, a request over a day old or with an address, is refused without one, with its field."""

from __future__ import annotations

import json
import time

import pytest

from opalmind_tui import exits
from opalmind_tui.engine.engine import Engine
from opalmind_tui.errors import RefusedRequest
from opalmind_tui.settings import load_settings
from opalmind_tui.storage.local_server import LocalServer
from opalmind_tui.tracking.ids import endpoint_code, new_id
from opalmind_tui.tracking.raw import raw
from tests.cli.program import MATOMO, run

DAY = 86_400
TOKEN = {"MATOMO_TOKEN": "0123456789abcdef0123456789abcdef"}


def given(server: LocalServer) -> dict[str, str]:
    """Settings without a token."""
    return {"REDIS_URL": server.url, "MATOMO_BASE_URL": MATOMO, "MATOMO_DEFAULT_SITE_ID": "1"}


def lines() -> str:
    """A fresh line, an old one, an old raw one, and one that sets what only a token may set."""
    old = time.time() - DAY - 60
    return "\n".join(
        json.dumps(line)
        for line in (
            {"kind": "pageview", "url": "https://example.org/1", "ts": int(1000 * (time.time() - 60))},
            {"kind": "pageview", "url": "https://example.org/2", "ts": int(1000 * old)},
            {"kind": "raw", "params": {"url": "https://example.org/3", "cdt": str(int(old))}},
            {"kind": "raw", "params": {"url": "https://example.org/4", "cip": "203.0.113.9"}},
        )
    )


def test_lines_without_and_with_a_token(server: LocalServer) -> None:
    done = run("track", "--from", "-", "--json", given=lines(), **given(server))
    found = json.loads(done.stdout)
    assert (done.returncode, found["accepted"], found["refused"]) == (exits.DEGRADED, 1, 3)
    assert [(one["line"], one["reason"].split(":")[0]) for one in found["problems"]] == [
        (2, "ts"),
        (3, "cdt"),
        (4, "cip"),
    ]
    assert "MATOMO_TOKEN" in done.stderr
    done = run("track", "--from", "-", "--json", given=lines(), **given(server), **TOKEN)
    assert (done.returncode, json.loads(done.stdout)["accepted"]) == (exits.OK, 4)


def test_a_single_call(server: LocalServer) -> None:
    old = str(int(1000 * (time.time() - DAY - 60)))
    call = ("track", "pageview", "--url", "https://example.org/", "--ts", old)
    done = run(*call, **given(server))
    assert (done.returncode, done.stdout) == (exits.DEGRADED, "")
    assert "ts: over 24 hours ago" in done.stderr
    assert run(*call, **given(server), **TOKEN).returncode == exits.OK


async def test_what_was_accepted_in_time_is_taken_back(server: LocalServer) -> None:
    async with Engine(load_settings(given(server)), role="track") as engine:
        request = raw({"url": "https://example.org/", "cdt": str(int(time.time() - DAY - 60))}, default_site_id=1)
        with pytest.raises(RefusedRequest, match="cdt"):
            await engine.offer([request])
        saved = new_id(endpoint_code(engine.endpoint), request.visitor)
        assert [answer.id for answer in await engine.offer([request], [saved])] == [saved]
