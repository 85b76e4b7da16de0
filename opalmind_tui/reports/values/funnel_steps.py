"""Steps of a funnel: from its definition (ids and labels) and from its flow (figures), merged by id and label."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cmp_to_key
from typing import Any

from opalmind_tui.reports.js_json import js_items
from opalmind_tui.reports.values.fields import Record, fields
from opalmind_tui.reports.values.names import collated, find_number, find_text, lowered
from opalmind_tui.reports.values.numbers import Number, finite, leading, percent, trim

STEP_FIELDS = fields(
    "id=label label=label visits conversions totalConversions conversionRate abandonmentRate overallConversionRate "
    "avgTimeToConvert medianTimeToConvert"
)
_LABEL = ("label", "name", "step_name", "title")
_PATTERN = ("pattern", "pattern match", "match", "url")
_SIGNS_OF_A_LABEL = frozenset((*_LABEL, "step", "step_position"))
_SIGNS_OF_A_FIGURE = frozenset(("abandonment_rate", "step_abandonment_rate"))
_CONTAINERS = ("steps", "definition")

_FIGURES: tuple[tuple[str, tuple[str, ...], Callable[[Any], Number | None]], ...] = (
    ("visits", ("nb_visits_total", "nb_visits", "nb_entries", "nb_entrances", "visits", "entries"), finite),
    ("conversions", ("nb_conversions", "nb_converted", "conversions", "nb_targets", "nb_visits_converted"), finite),
    ("totalConversions", ("nb_conversions_total", "total_conversions"), finite),
    ("conversionRate", ("conversion_rate", "step_conversion_rate"), percent),
    ("abandonmentRate", ("abandonment_rate", "step_abandonment_rate", "dropoff_rate"), percent),
    ("overallConversionRate", ("overall_conversion_rate", "step_overall_conversion_rate"), percent),
    ("avgTimeToConvert", ("avg_time_to_convert", "avg_time"), finite),
    ("medianTimeToConvert", ("median_time_to_convert", "median_time"), finite),
)


def defined_steps(raw: Any) -> list[Record]:
    """Ids and labels of the steps in a definition: a list, a record by number, or nested under ``steps``."""
    return _definition(raw, set())


def _definition(raw: Any, seen: set[int]) -> list[Record]:
    """`seen` holds what was gone through already: a list of steps can be reached by two ways and counts once."""
    if isinstance(raw, str | int | float) and not isinstance(raw, bool):
        label = find_text({"": raw}, ("",)) if raw else None
        return [{"id": "1", "label": label}] if label else []
    if not raw or not isinstance(raw, dict | list) or id(raw) in seen:
        return []
    seen.add(id(raw))
    listed = isinstance(raw, list)
    members = js_items(raw) if isinstance(raw, dict) else [(str(place), item) for place, item in enumerate(raw, 1)]
    steps: dict[tuple[str, str], Record] = {}
    for place, (name, item) in enumerate(members, 1):
        for step in _defined_step(name, item, place, listed, seen):
            steps.setdefault(_key(step), step)
    return list(steps.values())


def _defined_step(name: str, item: Any, place: int, listed: bool, seen: set[int]) -> list[Record]:
    if not isinstance(item, dict | list):
        if not listed and not (name.isascii() and name.isdigit()):
            return []
        step_id = trim(name) or str(place)
        label = trim(item) if isinstance(item, str) else ""
        return [{"id": step_id, "label": label or f"Step {step_id}"}]
    names = lowered(item)
    nested = _definition(names.get("steps"), seen)
    if name.lower().endswith(_CONTAINERS):
        return nested + _definition(item, seen)
    if nested:
        return nested
    step_id = find_text(names, ("step_position", "position", "idstep", "id", name)) or trim(name) or str(place)
    return [{"id": step_id, "label": find_text(names, _LABEL) or find_text(names, _PATTERN) or f"Step {step_id}"}]


def flow_steps(raw: Any) -> list[Record]:
    """Steps with their figures from a flow table, however nested, in the order of their ids."""
    steps: list[Record] = []
    for place, record in enumerate(_flow_records(raw), 1):
        names = lowered(record)
        step_id = find_text(names, ("idstep", "step_position", "position", "step", "id")) or str(place)
        step: Record = {"id": step_id, "label": find_text(names, _LABEL) or f"Step {place}"}
        for figure, candidates, read in _FIGURES:
            if (value := find_number(names, candidates, read)) is not None:
                step[figure] = value
        steps.append(step)
    return _in_order(_merged(steps))


def _flow_records(raw: Any) -> Iterator[Record]:
    if isinstance(raw, list):
        for item in raw:
            yield from _flow_records(item)
    elif isinstance(raw, dict):
        names, columns = lowered(raw), raw.get("columns")
        if "steps" not in names and _is_step(names):
            yield raw
        elif isinstance(columns, dict):
            yield {"label": raw.get("label"), **columns}
        for _, item in js_items(raw):
            yield from _flow_records(item)


def _is_step(names: Iterable[str]) -> bool:
    found = set(names)
    figures = (name in _SIGNS_OF_A_FIGURE or name.startswith("nb_") or "conversion" in name for name in found)
    return not found.isdisjoint(_SIGNS_OF_A_LABEL) and any(figures)


def merged_steps(defined: list[Record], flow: list[Record]) -> list[Record]:
    """The steps of both, in the order of their ids; figures come from the flow."""
    return _in_order(_merged([*defined, *flow])) if defined and flow else defined or flow


def _merged(steps: Iterable[Record]) -> list[Record]:
    merged: dict[tuple[str, str], Record] = {}
    for step in steps:
        known = merged.setdefault(_key(step), {"id": step["id"], "label": step["label"]})
        known.update((figure, step[figure]) for figure, _, _ in _FIGURES if figure in step)
    return list(merged.values())


def _key(step: Record) -> tuple[str, str]:
    return step["id"].lower(), step["label"].lower()


def _in_order(steps: list[Record]) -> list[Record]:
    return sorted(steps, key=cmp_to_key(_compared))


def _compared(one: Record, other: Record) -> int:
    """By the numbers that the ids begin with, else by label."""
    first, second = leading(one["id"]), leading(other["id"])
    if first is not None and second is not None:
        return (first > second) - (first < second)
    label, other_label = collated(one["label"]), collated(other["label"])
    return (label > other_label) - (label < other_label)
