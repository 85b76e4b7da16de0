"""Attached OpalMind services as `status` tells of them."""

from __future__ import annotations

from typing import Any

from opalmind_tui.cli.asking import iso
from opalmind_tui.snapshot.services import ServiceFigures, ServicesView, ServiceView
from opalmind_tui.text import safe_text


def described(view: ServicesView) -> list[dict[str, Any]]:
    """Each service by its names in JSON. Figures that it did not tell are null."""
    return [_described(service) for service in view.services]


def _described(service: ServiceView) -> dict[str, Any]:
    figures = service.figures or ServiceFigures("")
    return {
        "url": service.url, "reach": str(service.reach), "trouble": service.trouble or None,
        "status": figures.status or None, "at": iso(service.asked_at),
        "tookMs": None if service.took is None else round(1000 * service.took, 1),
        "pending": figures.pending, "inflight": figures.inflight, "processed": figures.processed,
        "retried": figures.retried, "hitRate": None if figures.hit_rate is None else round(figures.hit_rate, 2),
        "entries": figures.entries, "redisCommands": service.cost,
        "backlogAgeMs": None if figures.backlog_age is None else round(1000 * figures.backlog_age),
        "lastError": figures.last_error or None, "cooldownMs": round(1000 * figures.cooldown),
        "failing": [{"name": name, "status": state, "output": output} for name, state, output in figures.failing],
    }  # fmt: skip


def shown(view: ServicesView) -> str:
    """One line a service."""
    width = max(len(safe_text(service.url)) for service in view.services)
    return "\n".join(f"  {safe_text(one.url):<{width}}  {_line(one)}" for one in view.services)


def _line(service: ServiceView) -> str:
    figures = service.figures
    if figures is None or service.trouble:
        return f"{service.reach}  {safe_text(service.trouble)}"
    rate = "-" if figures.hit_rate is None else f"{figures.hit_rate:.0f} %"
    parts = [f"pending={_number(figures.pending)}, inflight={_number(figures.inflight)}", f"hit rate {rate}"]
    if figures.backlog_age and not figures.idle:
        parts.append(f"backlog {figures.backlog_age:.0f} s")
    if figures.cooldown:
        parts.append(f"cooldown {figures.cooldown:.0f} s")
    if figures.last_error:
        parts.append(f"last error: {safe_text(figures.last_error, 120)}")
    return f"{figures.status:<9}  {', '.join(parts)}"


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)
