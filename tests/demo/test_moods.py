"""The moods, and what they leave in the journal."""

from __future__ import annotations

import re
import time
from email.utils import parsedate_to_datetime

import httpx
import pytest

from opalmind_tui.demo.matomo import Behaviour
from opalmind_tui.engine.port import DemoPort
from tests.demo.support import NO_TLS, bulk, hit, standing_in


async def test_starts_normal_and_names_its_moods() -> None:
    async with standing_in() as (stand_in, client):
        port: DemoPort = stand_in
        assert port.mood() == "normal"
        assert [name for _, name, _ in stand_in.moods] == [
            "normal", "slow", "rate-limited", "errors", "outage", "down-503", "token-refused", "recording-off",
        ]  # fmt: skip
        keys = [key for key, _, _ in stand_in.moods]
        assert len(set(keys)) == len(keys)
        response = await client.post("matomo.php", content=bulk(hit(1), hit(2)))
        assert response.json()["tracked"] == 2
        with pytest.raises(KeyError):
            await stand_in.set_mood("no such mood")


async def test_outage_refuses_and_the_same_port_recovers() -> None:
    async with standing_in() as (stand_in, client):
        await client.post("matomo.php", content=bulk(hit(1)))
        url = stand_in.url
        for round_ in range(2, 5):
            await stand_in.set_mood("outage")
            async with httpx.AsyncClient(base_url=url, trust_env=False, verify=NO_TLS) as fresh:
                with pytest.raises(httpx.ConnectError):
                    await fresh.post("matomo.php", content=bulk(hit(99)))
            await stand_in.set_mood("normal")
            assert stand_in.url == url
            async with httpx.AsyncClient(base_url=url, trust_env=False, verify=NO_TLS) as fresh:
                assert (await fresh.post("matomo.php", content=bulk(hit(round_)))).status_code == 200
        assert stand_in.journal.counts("pv_id") == {f"{n:06d}": 1 for n in range(1, 5)}


async def test_rate_limit_says_how_long_in_seconds_or_as_a_date() -> None:
    async with standing_in() as (stand_in, client):
        await stand_in.behave(Behaviour(faults=(("429", 1.0),), retry_after=7))
        response = await client.post("matomo.php", content=bulk(hit()))
        assert (response.status_code, response.headers["retry-after"]) == (429, "7")
        await stand_in.behave(Behaviour(faults=(("429", 1.0),), retry_after=7, retry_after_date=True))
        response = await client.get("index.php?module=API&method=API.getMatomoVersion&token_auth=TOKEN")
        wait = parsedate_to_datetime(response.headers["retry-after"]).timestamp() - time.time()
        assert 4 < wait <= 8
        assert stand_in.journal.stored == 0


@pytest.mark.parametrize(("mood", "statuses"), [("errors", {200, 503}), ("rate-limited", {200, 429})])
async def test_moods_that_fail_now_and_then(mood: str, statuses: set[int]) -> None:
    async with standing_in() as (stand_in, client):
        await stand_in.set_mood(mood)
        answers = [(await client.post("matomo.php", content=bulk(hit(n)))).status_code for n in range(60)]
        assert set(answers) == statuses
        assert stand_in.journal.stored == answers.count(200)


async def test_shares_of_faults_are_kept_and_repeat_with_the_seed() -> None:
    async def faults(seed: int) -> list[str]:
        async with standing_in(seed=seed) as (stand_in, client):
            await stand_in.behave(Behaviour(faults=(("503", 0.1), ("429", 0.2))))
            for n in range(150):
                await client.post("matomo.php", content=bulk(hit(n)))
            return [post.fault for post in stand_in.journal.posts]

    first = await faults(5)
    assert 5 <= first.count("503") <= 28
    assert 15 <= first.count("429") <= 48
    assert await faults(5) == first
    assert await faults(6) != first


async def test_down_answers_a_page_and_stores_nothing() -> None:
    async with standing_in() as (stand_in, client):
        await stand_in.set_mood("down-503")
        for response in (
            await client.post("matomo.php", content=bulk(hit())),
            await client.get("index.php?module=API&method=API.getMatomoVersion&token_auth=TOKEN"),
        ):
            assert response.status_code == 503
            assert re.search("<html>.*maintenance", response.text, re.DOTALL)
        assert stand_in.journal.stored == 0


async def test_a_refused_token_shows_only_where_it_is_needed() -> None:
    async with standing_in() as (stand_in, client):
        await stand_in.set_mood("token-refused")
        old = hit(2, cdt=str(int(time.time()) - 3 * 86_400))
        answer = await client.post("matomo.php", content=bulk(hit(1), old))
        assert answer.json() == {"status": "success", "tracked": 1, "invalid": 1}
        report = await client.get("index.php?module=API&method=API.getMatomoVersion&token_auth=TOKEN")
        assert report.status_code == 401
        await stand_in.set_mood("normal")
        answer = await client.post("matomo.php", content=bulk(old))
        assert answer.json()["tracked"] == 1


async def test_recording_off_says_success_and_stores_nothing() -> None:
    async with standing_in() as (stand_in, client):
        await stand_in.set_mood("recording-off")
        answer = await client.post("matomo.php", content=bulk(hit(1), hit(2)))
        assert answer.content == b'{"status":"success","tracked":0,"invalid":0}'
        single = await client.get("matomo.php", params={"idsite": 1, "rec": 1, "url": "https://shop.example.com/"})
        assert single.status_code == 503
        assert (await client.get("matomo.php?idsite=1&rec=1&send_image=0")).status_code == 204
        assert stand_in.journal.stored == 0


async def test_slow_takes_longer_with_more_hits() -> None:
    async with standing_in() as (stand_in, client):
        await stand_in.set_mood("slow")
        started = time.monotonic()
        await client.post("matomo.php", content=bulk(*map(hit, range(100))))
        assert time.monotonic() - started >= 0.6
