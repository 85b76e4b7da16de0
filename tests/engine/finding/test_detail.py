"""All that is known of one request: attempts, record, hidden data, and the command that sends it by hand."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from urllib.parse import unquote

import pytest

from opalmind_tui.engine.finding.detail import BODY_PART, detail_of
from opalmind_tui.snapshot.curl import as_curl
from opalmind_tui.snapshot.listing import RequestDetail
from opalmind_tui.snapshot.model import State
from opalmind_tui.tracking.queue import Fate, Settlement
from opalmind_tui.tracking.request import TrackingRequest
from tests.tracking.queue_harness import ENDPOINT, Bench, record_of

HOSTILE = "a'b\"; rm -rf /\x1b]52;c;x\x07\u202e $(id) `id` \n@file"
PARAMS = {
    "idsite": "7", "url": f"https://example.org/?q={HOSTILE}", "uid": "anna@example.org", "cid": "a" * 16,
    "cip": "10.1.2.3", "dimension3": "x", "e_c": HOSTILE, "nobody": "knows",
}  # fmt: skip
PERSONAL = ("anna@example.org", "a" * 16, "10.1.2.3")


async def accept(bench: Bench, params: dict[str, str] | None = None) -> str:
    """One request with personal data."""
    request = TrackingRequest("raw", params or PARAMS, key="key-1", fingerprint="f", visitor="v")
    return (await bench.accept(request))[0]


async def detail(bench: Bench, request_id: str, *, reveal: bool = False, start: int = 0) -> RequestDetail:
    """As the engine shows it."""
    found = await bench.queue.closer(request_id)
    assert found is not None
    return detail_of(found, ENDPOINT, ("s3cret-token",), reveal=reveal, start=start)


async def test_ten_tries_are_remembered_with_answer_worker_and_delay(make_bench: Callable[..., Bench]) -> None:
    bench = make_bench(worker="worker")
    request_id = await accept(bench)
    for at in range(13):
        claim = await bench.claim(1)
        answer = "503 busy" if at % 4 else f"500 answer {at}"
        fate = Settlement(request_id, Fate.RETRY, status=500 if at % 4 == 0 else 503, error=answer, delay=0.0)
        await bench.queue.settle(claim.token, [fate])
    claim = await bench.claim(1)
    await bench.queue.settle(claim.token, [Settlement(request_id, Fate.DEAD, error="no answer")])
    shown = await detail(bench, request_id)
    assert shown.row.state is State.DEAD
    tried = [f"500 answer {at}" if at % 4 == 0 else "503 busy" for at in range(4, 13)]
    assert [attempt.answer for attempt in shown.attempts] == [*tried, "no answer"]
    assert [attempt.status for attempt in shown.attempts][-2:] == [500, None]
    assert [attempt.delay for attempt in shown.attempts] == [0.0] * 9 + [None]
    assert {attempt.worker for attempt in shown.attempts} == {"worker"}
    moments = [attempt.at for attempt in shown.attempts]
    assert moments == sorted(moments)
    assert moments[-1] == shown.row.failed_at


async def test_personal_data_is_hidden_until_it_is_revealed(bench: Bench) -> None:
    request_id = await accept(bench, {**PARAMS, "e_n": "holds s3cret-token"})
    hidden, shown = await detail(bench, request_id), await detail(bench, request_id, reveal=True)
    for text in (repr(hidden.params), hidden.body, as_curl(hidden)):
        assert not any(value in text for value in PERSONAL)
        assert "s3cret-token" not in text
    assert all(value in shown.body and value in as_curl(shown) for value in PERSONAL)
    assert "s3cret-token" not in shown.body + repr(shown.params) + as_curl(shown)
    assert {parameter.name for parameter in hidden.params if parameter.masked} == {"uid", "cid", "cip"}
    meanings = {parameter.name: parameter.meaning for parameter in hidden.params}
    assert (meanings["uid"], meanings["dimension3"], meanings["nobody"]) == ("user id", "custom dimension 3", "")


async def test_the_command_says_the_same_and_nothing_to_a_shell_or_a_terminal(bench: Bench) -> None:
    command = as_curl(await detail(bench, await accept(bench), reveal=True))
    assert all(char == "•" or " " <= char <= "~" for char in command)
    words = shlex.split(command)
    assert words[:4] == ["curl", "--request", "POST", ENDPOINT]
    sent = {}
    for option, value in zip(words[4::2], words[5::2], strict=True):
        name, _, text = value.partition("=")
        sent[name] = text if option == "--data-urlencode" else unquote(text)
    assert sent == {**PARAMS, "rec": "1", "apiv": "1", "token_auth": "•••"}


async def test_the_record_under_its_key_is_shown(bench: Bench) -> None:
    first = await accept(bench)
    claim = await bench.claim(1)
    await bench.queue.settle(claim.token, [Settlement(first, Fate.DELIVERED, record=record_of("key-1"))])
    delivered = await detail(bench, first)
    assert (delivered.row.state, delivered.params, delivered.body) == (State.DELIVERED, (), "")
    assert await bench.queue.closer("AA0aaaaaaaaaaa") is None


async def test_a_large_body_comes_in_parts(bench: Bench) -> None:
    request_id = await accept(bench, {"idsite": "1", "cvar": "ü" * 40_000})
    first = await detail(bench, request_id)
    assert len(first.body) == BODY_PART < first.body_size
    parts = [first.body]
    while sum(map(len, parts)) < first.body_size:
        parts.append((await detail(bench, request_id, start=sum(map(len, parts)))).body)
    assert "".join(parts).count("ü") == 40_000


@pytest.mark.parametrize(
    "history", ['"x"', '[[1],[2,3],[[],{},"a"]]', '[["9","x","y",5,"z"]]', '[["1",null,"",null,1e99]]']
)
async def test_a_foreign_history_shows_what_it_can(bench: Bench, history: str) -> None:
    if bench.client is None:
        pytest.skip("nobody else writes into memory")
    request_id = await accept(bench)
    await bench.client.hset("opalmind:queue:{q}:meta", request_id, f'{{"history":{history}}}')
    shown = await detail(bench, request_id)
    assert len(shown.attempts) <= 1
