"""Every recorded call, replayed: same requests, same results, same keys, same stored bytes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from opalmind_tui.errors import MatomoError
from opalmind_tui.reports.cache import ReportCache
from opalmind_tui.reports.entry import decode_entry, encode_entry
from opalmind_tui.reports.features import BY_NAME, FEATURES
from opalmind_tui.reports.js_json import parse, stringify
from opalmind_tui.reports.key_text import feature_of, key_text
from opalmind_tui.reports.memory_cache import Held, MemoryCache
from opalmind_tui.reports.service import Reports
from opalmind_tui.reports.ttl import Ttls
from opalmind_tui.settings import Settings
from tests.reports.recorded import (
    CALLS,
    ENTRIES,
    PREFIX,
    ScriptedMatomo,
    arguments_of,
    method_of,
    requests_of,
)

NOW = 1_795_374_949.5
ALL_FAILED = [call for call in CALLS if call["label"].startswith("funnel: all three")]
CACHED = [call for call in CALLS if call["written"] or call["events"]]
FETCHED = [call for call in CALLS if "returned" in call and call["http"]]
FAILED = [call for call in CALLS if "error" in call]
HITS = [call for call in CALLS if call["events"] and call["events"][0]["type"] == "hit" and call not in ALL_FAILED]


def _label(call: Any) -> str:
    return call["id"] if isinstance(call, dict) else ""


def _reports(call: dict[str, Any]) -> tuple[Reports, ScriptedMatomo, MemoryCache]:
    settings = Settings(cache_ttl_ms=call.get("ttl_ms", 60_000))
    memory, matomo = MemoryCache(), ScriptedMatomo(call)
    cache = ReportCache(settings, Ttls(settings), None, memory=memory, clock=lambda: NOW)
    return Reports(matomo, cache, 1), matomo, memory


def _without_expiry(raw: str) -> str:
    return re.sub(r'"expiresAt":\d+}$', "", raw)


@pytest.mark.parametrize("call", FETCHED, ids=_label)
async def test_a_miss_asks_as_recorded_and_gives_and_stores_what_was_recorded(call: dict[str, Any]) -> None:
    reports, matomo, memory = _reports(call)

    result = await getattr(reports, method_of(call))(**arguments_of(call))

    assert stringify(result) == stringify(call["returned"])
    assert matomo.asked == requests_of(call)
    assert len(memory) == len(call["written"])
    for written in call["written"]:
        held = memory.get(written["key"].removeprefix(call.get("prefix", PREFIX)))
        assert held is not None, "stored under another key text"
        assert _without_expiry(held.raw.decode()) == _without_expiry(written["value"])


@pytest.mark.parametrize("call", FAILED, ids=_label)
async def test_an_error_is_raised_and_never_stored(call: dict[str, Any]) -> None:
    reports, matomo, memory = _reports(call)

    with pytest.raises(MatomoError) as raised:
        await getattr(reports, method_of(call))(**arguments_of(call))

    assert (raised.value.kind == "parse") == (call["error"] in ("ZodError", "MatomoParseError"))
    assert matomo.asked == requests_of(call)
    assert len(memory) == 0


@pytest.mark.parametrize("call", HITS, ids=_label)
async def test_a_recorded_entry_is_a_hit(call: dict[str, Any]) -> None:
    key = call["events"][0]["key"]
    feature = feature_of(key.encode())
    assert feature is not None
    recorded = ENTRIES.get(call.get("prefix", PREFIX) + key)
    raw = recorded["value"].encode() if recorded else encode_entry(feature, call["returned"], int(NOW * 1000))
    reports, matomo, memory = _reports(call)
    memory.put(key, Held(raw, feature, NOW * 1000 + 5000))

    result = await getattr(reports, method_of(call))(**arguments_of(call))

    assert stringify(result) == stringify(call["returned"])
    assert matomo.asked == []


@pytest.mark.parametrize("key", ENTRIES, ids=range(len(ENTRIES)))
def test_every_recorded_entry_survives_the_round_trip(key: str) -> None:
    raw = ENTRIES[key]["value"].encode()
    text = key[key.index('{"feature"') :].encode()
    feature = feature_of(text)
    assert feature in BY_NAME

    entry = decode_entry(raw, feature)

    assert entry is not None, "not taken for an entry"
    assert encode_entry(feature, entry.value, int(entry.expires_at)) == raw
    assert key_text(BY_NAME[feature], parse(text)["input"]).encode() == text


def test_the_failed_funnel_is_an_error_here() -> None:
    """The reference stores it as an empty funnel; see the recorded hit."""
    assert [call["returned"]["steps"] for call in ALL_FAILED] == [[]]


def test_the_recordings_cover_all_features() -> None:
    assert {feature_of(call["events"][0]["key"].encode()) for call in CACHED} == {feature.name for feature in FEATURES}
    assert (len(FETCHED), len(FAILED), len(HITS)) == (94, 20, 19)
