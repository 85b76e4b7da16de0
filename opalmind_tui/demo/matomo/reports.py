"""The reports: figures in the shapes of Matomo, odd types included, one function each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from msgspec import Struct

from opalmind_tui.demo.matomo.figures import Day, Row
from opalmind_tui.demo.matomo.sites import Site
from opalmind_tui.demo.shop import DEVICES, FUNNEL, PAGES, REFERRERS


class Asked(Struct, frozen=True):
    """What a report is made of."""

    site: Site
    day: Day
    params: Mapping[str, str]


def whole(row: Row, name: str) -> int:
    """A metric as a whole number, never below 0."""
    return max(0, int(row.get(name, 0)))


def percent(part: float, of: float, digits: int = 0) -> str:
    """A share as Matomo writes it: ``9.3%``."""
    return f"{round(100 * part / of, digits):g}%" if of else "0%"


def rate(part: float, of: float, digits: int = 1) -> float:
    """A quotient, 0 where there is nothing to divide by."""
    found = round(part / of, digits) if of else 0.0
    return int(found) if found == int(found) else found


def visits_summary(asked: Asked) -> dict[str, Any]:
    """VisitsSummary.get."""
    row = asked.day.total()
    visits = whole(row, "visits")
    return {
        "nb_uniq_visitors": whole(row, "visitors"), "nb_users": 0, "nb_visits": visits,
        "nb_actions": whole(row, "actions"), "nb_visits_converted": whole(row, "converted"),
        "bounce_count": whole(row, "bounces"), "sum_visit_length": whole(row, "time"),
        "max_actions": whole(row, "longest"), "bounce_rate": percent(row.get("bounces", 0), visits),
        "nb_actions_per_visit": rate(row.get("actions", 0), visits),
        "avg_time_on_site": int(rate(row.get("time", 0), visits, 0)),
    }  # fmt: skip


def actions(asked: Asked) -> dict[str, Any]:
    """Actions.get."""
    views = whole(asked.day.total(), "views")
    searches = sum(whole(row, "hits") for (path,), row in asked.day.table("page") if path.startswith("/search"))
    return {
        "nb_pageviews": views, "nb_uniq_pageviews": int(views * 0.83), "nb_downloads": 0, "nb_uniq_downloads": 0,
        "nb_outlinks": 0, "nb_uniq_outlinks": 0, "nb_searches": searches, "nb_keywords": int(bool(searches)),
    }  # fmt: skip


def page_urls(asked: Asked) -> list[dict[str, Any]]:
    """Actions.getPageUrls with flat=1."""
    return [_page(asked.site, path, row) for path, row in _pages(asked, "hits")]


def entry_pages(asked: Asked) -> list[dict[str, Any]]:
    """Actions.getEntryPageUrls with flat=1."""
    return [_page(asked.site, path, row) for path, row in _pages(asked, "entries")]


def _pages(asked: Asked, metric: str) -> list[tuple[str, Row]]:
    rows = [(path, row) for (path,), row in asked.day.table("page") if whole(row, metric)]
    return sorted(rows, key=lambda entry: (-entry[1][metric], entry[0]))


def _page(site: Site, path: str, row: Row) -> dict[str, Any]:
    visits, entries, hits = whole(row, "visits"), whole(row, "entries"), whole(row, "hits")
    url = site.url + quote(path, safe="/?=&")
    return {
        "label": path, "nb_visits": visits, "nb_uniq_visitors": int(visits * 0.96), "nb_hits": hits,
        "sum_time_spent": whole(row, "time"), "entry_nb_uniq_visitors": int(entries * 0.96),
        "entry_nb_visits": str(entries), "entry_nb_actions": str(whole(row, "entry_actions")),
        "entry_sum_visit_length": str(whole(row, "entry_time")),
        "entry_bounce_count": str(whole(row, "entry_bounces")), "exit_nb_uniq_visitors": whole(row, "exits"),
        "exit_nb_visits": str(whole(row, "exits")), "avg_page_load_time": 0,
        "avg_time_on_page": int(rate(row.get("time", 0), hits, 0)),
        "bounce_rate": percent(row.get("entry_bounces", 0), entries),
        "exit_rate": percent(min(whole(row, "exits"), visits), visits), "url": url, "Actions_PageUrl": path,
        "segment": "pageUrl==" + quote(quote(url, safe=""), safe=""),
    }  # fmt: skip


def _visit_columns(row: Row) -> dict[str, Any]:
    return {
        "nb_uniq_visitors": whole(row, "visitors"), "nb_visits": whole(row, "visits"),
        "nb_actions": str(whole(row, "actions")), "nb_users": 0, "max_actions": whole(row, "longest"),
        "sum_visit_length": whole(row, "time"), "bounce_count": whole(row, "bounces"),
        "nb_visits_converted": whole(row, "converted"),
    }  # fmt: skip


def _by_visits(asked: Asked, table: str) -> list[tuple[str, Row]]:
    rows = [(label, row) for (label,), row in asked.day.table(table) if whole(row, "visits")]
    return sorted(rows, key=lambda entry: (-entry[1]["visits"], entry[0]))


def _goal_columns(row: Row) -> dict[str, Any]:
    count, revenue = whole(row, "conversions"), round(row.get("revenue", 0), 2)
    goals = {"idgoal=1": {"nb_conversions": count, "nb_visits_converted": whole(row, "converted"), "revenue": revenue}}
    return {"goals": goals, "nb_conversions": count, "revenue": revenue} if count else {}


def referrer_types(asked: Asked) -> list[dict[str, Any]]:
    """Referrers.getReferrerType."""
    known = {label: (word, number) for label, word, number, _ in REFERRERS}
    return [
        {
            "label": label, **_visit_columns(row), **_goal_columns(row), "referrer_type": known[label][1],
            "segment": f"referrerType=={known[label][0]}", "idsubdatatable": index,
        }
        for index, (label, row) in enumerate(_by_visits(asked, "referrer"), 1)
    ]  # fmt: skip


def campaigns(asked: Asked) -> list[dict[str, Any]]:
    """Referrers.getCampaigns."""
    return [
        {
            "label": label, **_visit_columns(row), **_goal_columns(row),
            "segment": "referrerType==campaign;referrerName==" + quote_plus(label), "idsubdatatable": index,
        }
        for index, (label, row) in enumerate(_by_visits(asked, "campaign"), 1)
    ]  # fmt: skip


def devices(asked: Asked) -> list[dict[str, Any]]:
    """DevicesDetection.getType."""
    words = {label: word for label, word, _ in DEVICES}
    return [
        {
            "label": label, **_visit_columns(row), "bounce_rate": percent(row.get("bounces", 0), row["visits"]),
            "avg_time_on_site": int(rate(row.get("time", 0), row["visits"], 0)),
            "logo": f"plugins/Morpheus/icons/dist/devices/{words[label]}.png",
            "segment": f"deviceType=={words[label]}",
        }
        for label, row in _by_visits(asked, "device")
    ]  # fmt: skip


def event_categories(asked: Asked) -> list[dict[str, Any]]:
    """Events.getCategory."""
    return _events(asked, 0, "eventCategory", "Events_EventCategory")


def event_actions(asked: Asked) -> list[dict[str, Any]]:
    """Events.getAction, with the filters that OpalMind sends."""
    return _events(asked, 1, "eventAction", "Events_EventAction")


def _events(asked: Asked, by: int, segment: str, column: str) -> list[dict[str, Any]]:
    wanted = [asked.params.get(name, "") for name in ("eventCategory", "eventAction", "eventName")]
    grouped = Day()
    for labels, row in asked.day.table("event"):
        if all(not want or want == label for want, label in zip(wanted, labels, strict=True)):
            grouped.add(("event", labels[by]), row)
    rows = sorted(grouped.table("event"), key=lambda entry: (-entry[1]["events"], entry[0]))
    return [_event(label, row, segment, column, index) for index, ((label,), row) in enumerate(rows, 1)]


def _event(label: str, row: Row, segment: str, column: str, index: int) -> dict[str, Any]:
    values, total = whole(row, "values"), round(row.get("value_sum", 0), 2)
    return {
        "label": label, "nb_uniq_visitors": whole(row, "visits"), "nb_visits": str(whole(row, "visits")),
        "nb_events": str(whole(row, "events")), "nb_events_with_value": str(values), "sum_event_value": total,
        "min_event_value": row.get("value_min", False), "max_event_value": row.get("value_max", 0),
        "avg_event_value": rate(total, values, 2) if values else "-",
        "segment": f"{segment}=={quote_plus(label)}", column: label, "idsubdatatable": index,
    }  # fmt: skip


def goals(asked: Asked) -> Any:
    """Goals.get: one goal's figures with `idGoal`, else all goals by their keys."""
    wanted = asked.params.get("idGoal", "")
    if wanted == "ecommerceOrder":
        return _orders(asked)
    if wanted:
        row = asked.day.rows.get(("goal", wanted), {})
        return {**_goal(row), "conversion_rate": percent(row.get("conversions", 0), _visits(asked), 2)}
    found: dict[str, Any] = {}
    for goal in asked.site.goals:
        row = asked.day.rows.get(("goal", str(goal.id)), {})
        if whole(row, "conversions"):
            found[f"idgoal={goal.id}"] = {"idgoal": str(goal.id), "goal": goal.name, "type": "manually", **_goal(row)}
    orders = asked.day.rows.get(("goal", "0"), {})
    if whole(orders, "conversions"):
        found["ecommerceOrder"] = {"idgoal": "ecommerceOrder", **_goal(orders)}
    return found or []


def _goal(row: Row) -> dict[str, Any]:
    return {
        "nb_conversions": whole(row, "conversions"), "nb_visits_converted": str(whole(row, "converted")),
        "revenue": round(row.get("revenue", 0), 2),
    }  # fmt: skip


def _visits(asked: Asked) -> int:
    return whole(asked.day.total(), "visits")


def _orders(asked: Asked) -> dict[str, Any]:
    row, visits = asked.day.rows.get(("goal", "0"), {}), _visits(asked)
    count, revenue = whole(row, "conversions"), round(row.get("revenue", 0), 2)
    tax = round(revenue * 0.16, 2)
    return {
        "nb_conversions": str(count), "nb_visits_converted": whole(row, "converted"),
        "conversion_rate": percent(count, visits, 2), "revenue": revenue,
        "revenue_per_visit": rate(revenue, visits, 2), "avg_order_revenue": f"{rate(revenue, count, 2):.2f}",
        "items": int(count * 1.4), "revenue_subtotal": round(revenue - tax, 2), "revenue_tax": tax,
        "revenue_shipping": f"{count * 4.9:.2f}", "revenue_discount": 0, "nb_visits": visits,
    }  # fmt: skip


def funnel(asked: Asked) -> dict[str, Any]:
    """Funnels.getFunnel."""
    titles = {page.path: page.title for page in PAGES}
    steps = [
        {"position": str(place), "name": titles[path], "pattern_type": "path_equals", "pattern": path, "required": "0"}
        for place, path in enumerate(FUNNEL, 1)
    ]
    number = asked.params.get("idFunnel", "")
    return {
        "idfunnel": number,
        "idsite": str(asked.site.id),
        "name": "Basket to order",
        "activated": "1",
        "steps": steps,
    }


def _steps(asked: Asked) -> list[int]:
    return [whole(asked.day.rows.get(("step", path), {}), "visits") for path in FUNNEL]


def funnel_metrics(asked: Asked) -> dict[str, Any]:
    """Funnels.getFunnelMetrics."""
    steps = _steps(asked)
    entries, done = steps[0], min(steps[0], steps[-1])
    return {
        "funnel_nb_entries": entries, "nb_entries": entries, "funnel_nb_exits": entries - done,
        "nb_conversions": str(done), "conversion_rate": percent(done, entries, 2),
        "abandonment_rate": percent(entries - done, entries, 2),
    }  # fmt: skip


def funnel_flow(asked: Asked) -> list[dict[str, Any]]:
    """Funnels.getFunnelFlowTable with flat=1."""
    titles, steps = {page.path: page.title for page in PAGES}, _steps(asked)
    return [
        {
            "label": titles[path], "step_position": place, "step_nb_visits": count, "nb_visits_total": str(count),
            "step_nb_entries": count if place == 1 else 0,
            "step_conversion_rate": percent(after, count, 1), "step_abandonment_rate": percent(count - after, count, 1),
        }
        for place, (path, count, after) in enumerate(_with_next(steps), 1)
        if count
    ]  # fmt: skip


def _with_next(steps: list[int]) -> Iterable[tuple[str, int, int]]:
    following = [min(count, after) for count, after in zip(steps, [*steps[1:], steps[-1]], strict=True)]
    return zip(FUNNEL, steps, following, strict=True)


REPORTS: Mapping[str, Callable[[Asked], Any]] = {
    "VisitsSummary.get": visits_summary,
    "Actions.get": actions,
    "Actions.getPageUrls": page_urls,
    "Actions.getEntryPageUrls": entry_pages,
    "Referrers.getReferrerType": referrer_types,
    "Referrers.getCampaigns": campaigns,
    "DevicesDetection.getType": devices,
    "Events.getCategory": event_categories,
    "Events.getAction": event_actions,
    "Goals.get": goals,
    "Funnels.getFunnel": funnel,
    "Funnels.getFunnelMetrics": funnel_metrics,
    "Funnels.getFunnelFlowTable": funnel_flow,
}
"""By Matomo's method."""
ZEROS = ("VisitsSummary.get", "Goals.get")
"""Reports that say zeros where there is nothing, but an empty list for each empty part of several."""
