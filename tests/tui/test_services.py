"""The panel of attached services: every state in words, hostile text as text, and what looking costs."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from opalmind_tui.snapshot.model import Reading, ServicesView, Verdict
from opalmind_tui.text import safe_text
from opalmind_tui.tui.lines import Area, width_of
from opalmind_tui.tui.panels import health, services
from opalmind_tui.tui.sheet import frame
from tests.tui.fixtures import NOW, healthy
from tests.tui.service_fixtures import ASKING, AWAY, CALM, HOSTILE, STALE_RETRY, STRANGE, WAITING, attached
from tests.tui.support import words

ALL = (CALM, WAITING, STALE_RETRY, AWAY, STRANGE, HOSTILE, ASKING)


def draw(width: int, *shown: services.ServiceView) -> str:
    area = Area(width, 14)
    return words(frame(services.render(attached(*shown), area), area))


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_every_state_is_a_word_and_nothing_is_wider_than_the_area(width: int) -> None:
    area = Area(width, 14)
    lines = frame(services.render(attached(*ALL), area), area)
    assert {width_of(line) for line in lines} == {width}
    text = words(lines)
    for word in ("healthy", "degraded", "unhealthy", "away", "strange", "unasked"):
        assert word in text
    for line in text.split("\n"):
        assert safe_text(line) == line
    assert "\u202e" not in text


def test_what_counts_is_in_the_smallest_table() -> None:
    shown = draw(80, WAITING, AWAY)
    assert "14" in shown
    assert "1m11s" in shown
    assert "7 %" in shown
    assert "429" in shown
    assert "Connection ref" in shown


def test_a_wide_table_tells_cooldown_and_changes() -> None:
    shown = draw(200, WAITING)
    assert "24s" in shown  # 42 s when it was told, 18 s ago
    assert "was healthy, restarted" in shown
    assert "1,340" in shown


def test_an_empty_queue_has_no_age_whatever_its_own_check_says() -> None:
    assert "2m02s" not in draw(200, STALE_RETRY)
    assert "counts from its last retry" in services.service_text(STALE_RETRY, NOW)


def test_the_cost_of_a_look_is_said() -> None:
    view = attached(CALM, WAITING).services.value
    assert view is not None
    assert services.sentence(view, NOW) == (
        "A look costs their Redis about 4 KEYS and 2,680 GET: every 67 s, next in 49 s."
    )
    assert services.sentence(view, NOW + 50).endswith("looking now.")
    assert services.sentence(replace(view, services=(ASKING,)), NOW) == "The first look is under way."


def test_where_none_is_attached_the_screen_says_what_is_not_visible() -> None:
    area = Area(60, 8)
    assert "not visible here" in words(frame(services.render(healthy(), area), area)).replace("\n", " ")
    tall = Area(78, 30)
    assert health.SERVICES in words(list(health.render(healthy(), tall).body))
    beside = words(list(health.render(attached(CALM, WAITING, AWAY), tall).body))
    assert "Services: 1 away, 1 degraded, 1 healthy; 31 wait in their own queues." in beside


def test_the_worst_one_gives_the_panel_its_verdict() -> None:
    assert services.verdict_of_all(ServicesView((CALM, WAITING))) is Verdict.WARN
    assert services.verdict_of_all(ServicesView((CALM, AWAY, WAITING))) is Verdict.FAIL
    assert services.verdict_of_all(ServicesView()) is None
    failed = replace(healthy(), services=Reading(None, 0.0, "no"))
    assert services.render(failed, Area(60, 8)).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("service", ALL, ids=lambda one: one.url)
def test_all_that_is_known_of_one_is_safe_text(service: services.ServiceView) -> None:
    text = services.service_text(service, NOW)
    assert service.url in text
    for line in text.split("\n"):
        assert safe_text(line) == line


def test_the_list_is_in_an_order_that_stays() -> None:
    view = attached(WAITING, AWAY, CALM).services.value
    assert view is not None
    assert [one.url for one in services.rows(view)] == sorted(one.url for one in view.services)
