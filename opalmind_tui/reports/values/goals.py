"""Goals: Matomo answers with one record, a bare number, or records nested by goal and date."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from opalmind_tui.reports.js_json import js_items, number_text
from opalmind_tui.reports.values.fields import Record, fields, shaped
from opalmind_tui.reports.values.fields import fits as record_fits
from opalmind_tui.reports.values.numbers import finite, trim

_FIELDS = fields("idgoal=text|number goal=text name=text type=text nb_conversions nb_visits_converted revenue")
_STORED = fields("id=label label=label type=label nb_conversions nb_visits_converted revenue")
_FIGURES = ("nb_conversions", "nb_visits_converted", "revenue")
_SIGNS_OF_A_GOAL = ("goal", "name", "idgoal", "nb_conversions")
_LABELS = {"ecommerceOrder": "Ecommerce Order", "abandonedCart": "Abandoned Cart"}
_TYPES_BY_ID = {"ecommerceorder": "ecommerce", "abandonedcart": "ecommerce_cart"}
_GOAL_NUMBER = re.compile("[0-9]+")

GoalId = str | int | None


def goal_param(goal_id: GoalId) -> str | None:
    """Matomo's ``idGoal``: a number, or one of its two shop goals. None where all goals are asked for and filtered."""
    if goal_id is None:
        return None
    if not isinstance(goal_id, str):
        return number_text(goal_id)
    text = trim(goal_id)
    return text if _GOAL_NUMBER.fullmatch(text) or text.lower() in _TYPES_BY_ID else None


def shape(answer: Any, goal_id: GoalId, goal_type: str) -> list[Record]:
    """One record for each goal, filtered by id or label and by type as asked for.

    Raises `MatomoError` (kind ``parse``).
    """
    records = [shaped(_FIELDS, record) for record in _records(answer, goal_id, depth=0)]
    goals = [_stored(goal) for goal in _merged(records) if any(figure in goal for figure in _FIGURES)]
    if isinstance(goal_id, str) and trim(goal_id) and goal_param(goal_id) is None:
        wanted = trim(goal_id).lower()
        goals = [goal for goal in goals if wanted in (goal["label"].lower(), goal["id"].lower())]
    if goal_type:
        goals = [goal for goal in goals if goal["type"] == _type(goal_type, "")]
    return goals


def fits(value: Any) -> bool:
    """Is this a stored list of goals?"""
    return isinstance(value, list) and all(record_fits(_STORED, goal) for goal in value)


def _records(answer: Any, goal_id: GoalId, depth: int) -> Iterator[Record]:
    if isinstance(answer, list):
        for item in answer:
            yield from _records(item, goal_id, depth + 1)
    elif isinstance(answer, dict):
        nested: list[Record] = []
        if not any(sign in answer for sign in _SIGNS_OF_A_GOAL):
            nested = [record for _, item in js_items(answer) for record in _records(item, goal_id, depth + 1)]
        yield from nested or [_with_id(answer, goal_id)]
    elif depth == 0 and (conversions := finite(answer)) is not None:
        yield {"idgoal": "unknown" if goal_id is None else goal_id, "nb_conversions": conversions}


def _with_id(record: Record, goal_id: GoalId) -> Record:
    return record if "idgoal" in record or goal_id is None else {**record, "idgoal": goal_id}


def _merged(records: list[Record]) -> list[Record]:
    """Records of one goal (several periods) as one, their figures added."""
    goals: dict[tuple[str, str], Record] = {}
    for record in records:
        id_ = _id(record.get("idgoal"))
        label = str(record.get("goal", record.get("name", _LABELS.get(id_, id_))))
        known = goals.setdefault((id_, label.lower()), {"idgoal": id_, "goal": label})
        for figure in _FIGURES:
            if figure in record:
                known[figure] = known.get(figure, 0) + record[figure]
        known["type"] = known.get("type") or record.get("type", "")
    return list(goals.values())


def _stored(goal: Record) -> Record:
    figures = {figure: goal[figure] for figure in _FIGURES if figure in goal}
    return {"id": goal["idgoal"], "label": goal["goal"], "type": _type(goal["type"], goal["idgoal"]), **figures}


def _id(value: Any) -> str:
    text = trim(value) if isinstance(value, str) else "" if value is None else number_text(value)
    return text or "unknown"


def _type(name: str, goal_id: str) -> str:
    word = trim(name).lower()
    return _TYPES_BY_ID.get(goal_id.lower()) or ("manual" if word == "manually" else word) or "manual"
