"""Whether a request fits a filter. One table from field to test."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from opalmind_tui.engine.finding.likeness import group_key
from opalmind_tui.snapshot.filters import FREE, Filter, Term
from opalmind_tui.tracking.queue import Stored

Test = Callable[[Stored, float], bool]
VISITOR = ("cid", "_id", "uid")
"""Matomo's parameters that name a visitor."""


def fits(wanted: Filter) -> Test:
    """A test of requests and the moment by the store's clock; the cheap conditions are looked at first."""
    terms = sorted(wanted.terms, key=lambda term: term.field in (FREE, "group", "visitor"))
    tests = [(TESTS[term.field](term), term.negated) for term in terms]

    def test(found: Stored, now: float) -> bool:
        return all(one(found, now) is not negated for one, negated in tests)

    return test


def _anywhere(term: Term) -> Test:
    word = term.value.casefold()

    def test(found: Stored, now: float) -> bool:
        row = found.row
        told = "\n".join((row.id, row.kind, row.label, row.key, row.error, *found.params.values()))
        return word in told.casefold()

    return test


def _part(of: Callable[[Stored], str]) -> Callable[[Term], Test]:
    def make(term: Term) -> Test:
        part = term.value.casefold()
        return lambda found, now: part in of(found).casefold()

    return make


def _same(of: Callable[[Stored], str]) -> Callable[[Term], Test]:
    return lambda term: lambda found, now: of(found) == term.value


def _status(term: Term) -> Test:
    if term.value == "none":
        return lambda found, now: found.row.status is None
    if term.value.endswith("xx"):
        return lambda found, now: found.row.status is not None and found.row.status // 100 == int(term.value[0])
    return lambda found, now: found.row.status == int(term.value)


def _compared(of: Callable[[Stored, float], float]) -> Callable[[Term], Test]:
    def make(term: Term) -> Test:
        sign, number = term.compared
        if sign == ">":
            return lambda found, now: of(found, now) > number
        if sign == "<":
            return lambda found, now: of(found, now) < number
        return lambda found, now: of(found, now) == number

    return make


def _unknown(term: Term) -> Test:
    wanted = term.value == "yes"
    return lambda found, now: bool(found.row.unknown) is wanted


def _visitor(found: Stored) -> str:
    return "\n".join(found.params.get(name, "") for name in VISITOR)


TESTS: Mapping[str, Callable[[Term], Test]] = {
    FREE: _anywhere,
    "site": _same(lambda found: found.row.site),
    "kind": _same(lambda found: found.row.kind),
    "error": _part(lambda found: found.row.error),
    "status": _status,
    "state": _same(lambda found: found.row.state.value),
    "age": _compared(lambda found, now: now - found.row.accepted),
    "attempts": _compared(lambda found, now: found.row.attempts),
    "url": _part(lambda found: found.params.get("url", found.row.label)),
    "key": _part(lambda found: found.row.key),
    "visitor": _part(_visitor),
    "unknown": _unknown,
    "group": _same(lambda found: group_key(found.row)),
}
