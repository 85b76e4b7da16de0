"""Funnels: three answers of Matomo's Funnels plugin (definition, figures, flow) as one summary.

The plugin's answers differ by version in names and nesting; the tables below hold every name that is understood.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opalmind_tui.reports.values.fields import Record, fields
from opalmind_tui.reports.values.fields import fits as record_fits
from opalmind_tui.reports.values.funnel_steps import STEP_FIELDS, defined_steps, flow_steps, merged_steps
from opalmind_tui.reports.values.names import find_number, find_text, lowered
from opalmind_tui.reports.values.numbers import finite, percent, total

_STORED = fields(
    "id=label label=label period=label date=label segment=text overallConversionRate abandonmentRate totalConversions "
    "totalVisits"
)
_ID = ("idfunnel", "id_funnel", "id", "funnelid")
_LABEL = ("label", "name", "funnelname", "funnel_name", "title")
_VISITS = ("nb_visits", "nb_entries", "entries", "visits", "nb_entrances", "nb_visits_total")
_RATES = ("conversion_rate", "overall_conversion_rate", "total_conversion_rate")
_EXITS = ("abandonment_rate", "overall_abandonment_rate", "dropoff_rate")

_Names = Mapping[str, tuple[str, ...]]
_METRICS: _Names = {
    "overallConversionRate": _RATES,
    "abandonmentRate": _EXITS,
    "totalConversions": ("nb_conversions", "nb_converted", "conversions", "goalconversions", "nb_conversions_total"),
    "totalVisits": _VISITS,
}
_DEFINITION: _Names = {
    "overallConversionRate": ("overall_conversion_rate", "conversion_rate", "total_conversion_rate"),
    "abandonmentRate": ("overall_abandonment_rate", "abandonment_rate", "dropoff_rate"),
    "totalConversions": ("nb_conversions_total", "nb_conversions", "conversions", "nbconverted", "nb_targets"),
    "totalVisits": ("nb_visits_total", "nb_visits", "visits", "nb_entries", "nb_entrances", "entries"),
}


def shape(asked: Mapping[str, Any], definition: Any, metrics: Any, flow: Any) -> Record:
    """The summary of a funnel.

    Args:
        asked: the input fields: ``funnelId``, ``period``, ``date`` and, if given, ``segment``.
        definition: answer of ``Funnels.getFunnel``; None when that call failed. Likewise the other two.
        metrics: answer of ``Funnels.getFunnelMetrics``.
        flow: answer of ``Funnels.getFunnelFlowTable``.
    """
    known = _of_definition(definition, asked["funnelId"])
    figures = {**known.get("figures", {}), **_of_metrics(metrics)}
    steps = merged_steps(known.get("steps", []), flow_steps(flow))
    funnel_id = known.get("id", asked["funnelId"])
    summary: Record = {
        "id": funnel_id,
        "label": known.get("label") or f"Funnel {funnel_id}",
        "period": asked["period"],
        "date": asked["date"],
        "steps": steps,
    }
    if "segment" in asked:
        summary["segment"] = asked["segment"]
    summary.update((name, figures[name]) for name in _METRICS if name in figures)
    _complete(summary, steps)
    return summary


def fits(value: Any) -> bool:
    """Is this a stored funnel?"""
    if not record_fits(_STORED, value) or not isinstance(value.get("steps"), list):
        return False
    return all(record_fits(STEP_FIELDS, step) for step in value["steps"])


def _complete(summary: Record, steps: Sequence[Record]) -> None:
    """Totals and rate that Matomo did not give, from the steps."""
    given = {
        "totalConversions": total([step.get("totalConversions", step.get("conversions")) for step in steps]),
        "totalVisits": total([step.get("visits") for step in steps]),
    }
    for name, value in given.items():
        if value is not None:
            summary.setdefault(name, value)
    visits = summary.get("totalVisits", 0)
    if "totalConversions" in summary and visits > 0:
        summary.setdefault("overallConversionRate", summary["totalConversions"] / visits * 100)


def _of_metrics(answer: Any) -> Record:
    if isinstance(answer, list):
        # Services take the first item that tells anything, steps alone included.
        return next((_of_metrics(item) for item in answer if _of_metrics(item) or flow_steps(item)), {})
    return _figures(lowered(answer), _METRICS) if isinstance(answer, dict) else _conversions(answer)


def _of_definition(answer: Any, asked_id: str) -> Record:
    """Id, label, figures and steps; empty where the answer has none of them."""
    if isinstance(answer, list):
        return next((found for item in answer if (found := _of_definition(item, asked_id))), {})
    if not isinstance(answer, dict):
        figures = _conversions(answer)
        return {"figures": figures} if figures else {}
    names = lowered(answer)
    return {
        "id": find_text(names, _ID) or asked_id,
        "label": find_text(names, _LABEL),
        "figures": _figures(names, _DEFINITION),
        "steps": defined_steps(names.get("steps")) or defined_steps(answer) or flow_steps(answer),
    }


def _figures(names: Mapping[str, Any], table: _Names) -> Record:
    figures: Record = {}
    for figure, candidates in table.items():
        value = find_number(names, candidates, percent if figure.endswith("Rate") else finite)
        if value is not None:
            figures[figure] = value
    return figures


def _conversions(answer: Any) -> Record:
    """A bare number stands for the conversions."""
    number = finite(answer)
    return {} if number is None else {"totalConversions": number}
