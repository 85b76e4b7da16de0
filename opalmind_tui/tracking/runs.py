"""In which order the hits of a claim go, where those that need the token travel apart from the others."""

from __future__ import annotations

from collections.abc import Sequence

from opalmind_tui.tracking.prepare import Hit

NAMES = ("uid", "cid", "_id")
"""What Matomo tells a visitor by."""


def runs_of(hits: Sequence[Hit]) -> list[list[Hit]]:
    """The hits of a claim, which come in order of acceptance, in as few runs as keep each visitor's order: a run has
    hits that need no token, or hits of one site that need it."""
    if not any(hit.token_reason for hit in hits):
        return [list(hits)] if hits else []
    runs: list[tuple[str | None, list[Hit]]] = []
    reached: dict[str, int] = {}
    for hit in hits:
        kind = hit.site if hit.token_reason else None
        visitor = next((hit.params[name] for name in NAMES if hit.params.get(name)), "")
        first = reached.get(visitor, 0)
        place = next((at for at in range(first, len(runs)) if runs[at][0] == kind), len(runs))
        if place == len(runs):
            runs.append((kind, []))
        runs[place][1].append(hit)
        if visitor:
            reached[visitor] = place
    return [run for _, run in runs]
