"""What a filter box and `--filter` say: words and ``field:value``, as plain data.

The language: words that a request holds (all of them, in any order, whatever the case), and ``field:value`` for the
fields of `FIELDS`. ``-`` or ``!`` before either says that it must not be so. A value with blanks stands in double
quotes, in which a backslash keeps the next character as it is. `age` takes ``>10m``, ``<1h30m``, `attempts` takes
``>3``, ``<2``, ``3``.
"""

from __future__ import annotations

import re
from functools import cached_property

from msgspec import Struct

from opalmind_tui.errors import OpalmindError

MOST_TERMS = 20
LONGEST = 500
"""Characters of a filter."""
FREE = ""
"""The field of a word that stands for itself."""
FIELDS = {
    "site": "the site's id in Matomo",
    "kind": "pageview, event, goal or raw",
    "error": "a part of the last error",
    "status": "the HTTP status of the last answer, as 503 or 5xx",
    "state": "pending, scheduled, inflight, dead, trash or rejected",
    "age": "how long ago it was accepted, as >10m or <1h",
    "attempts": "how often it was tried, as >3, <2 or 3",
    "url": "a part of the address of the page",
    "key": "a part of the idempotency key",
    "visitor": "a part of the visitor's id or user id",
    "unknown": "yes: posted once, and no answer came",
    "group": "the failures of one group, by its key",
}
"""Every field, and what it means."""
COMPARED = ("age", "attempts")
_WORD = re.compile(r'([-!]?)(?:([A-Za-z]+):)?("(?:[^"\\]|\\.)*"|[^\s"]\S*|)(?=\s|$)', re.DOTALL)
_SPAN = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_SPANS = re.compile(r"(?:\d+(?:\.\d+)?[smhd])+")
UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_STATUS = re.compile(r"[1-9]\d\d|[1-9]xx|none")


class BadFilter(OpalmindError, ValueError):
    """A word of a filter that means nothing.

    Args:
        word: the word, raw.
        reason: what would be accepted, in one sentence.
    """

    def __init__(self, word: str, reason: str) -> None:
        super().__init__(f"{word}: {reason}")
        self.word = word
        self.reason = reason


class Term(Struct, frozen=True, dict=True):
    """One condition.

    Args:
        field: a name of `FIELDS`, or `FREE` for a word that may stand anywhere.
        value: what is looked for, as written.
        negated: it must not be so.
    """

    field: str
    value: str
    negated: bool = False

    def __str__(self) -> str:
        plain = (
            re.fullmatch(r'[^\s":!\-][^\s":]*', self.value) if not self.field else re.fullmatch(r'[^\s"]+', self.value)
        )
        value = self.value if plain else '"' + re.sub(r'(["\\])', r"\\\1", self.value) + '"'
        return f"{'-' * self.negated}{self.field}{':' * bool(self.field)}{value}"

    @cached_property
    def compared(self) -> tuple[str, float]:
        """Of age (seconds) and attempts: ``<``, ``>`` or ``=``, and the number."""
        sign = self.value[0] if self.value[0] in "<>" else ""
        number = self.value[len(sign) :]
        if self.field == "age":
            return sign or ">", sum(float(count) * UNITS[unit] for count, unit in _SPAN.findall(number))
        return sign or "=", float(number)


class Filter(Struct, frozen=True):
    """All of the terms hold; without any, every request fits."""

    terms: tuple[Term, ...] = ()

    def __str__(self) -> str:
        return " ".join(map(str, self.terms))

    def __bool__(self) -> bool:
        return bool(self.terms)

    def __add__(self, other: Filter) -> Filter:
        return Filter(self.terms + other.terms)


NO_FILTER = Filter()


def parse_filter(text: str) -> Filter:
    """Read a filter. Raises `BadFilter`, which names the word."""
    if len(text) > LONGEST:
        raise BadFilter(text[:20] + "…", f"a filter has at most {LONGEST} characters")
    terms: list[Term] = []
    rest = text.strip()
    while rest:
        found = _WORD.match(rest)
        if found is None or not found[0]:
            raise BadFilter(rest.split()[0], "this quote has no end" if '"' in rest else "this is no word")
        terms.append(_term(found[0], found[1], found[2], found[3]))
        rest = rest[found.end() :].lstrip()
    if len(terms) > MOST_TERMS:
        raise BadFilter(str(terms[MOST_TERMS]), f"a filter has at most {MOST_TERMS} words")
    return Filter(tuple(terms))


def _term(word: str, sign: str, field: str | None, value: str) -> Term:
    quoted = value.startswith('"')
    if field is not None and field.lower() not in FIELDS:
        if value.startswith("//"):
            # An address was pasted.
            return Term(FREE, f"{field}:{value}", bool(sign))
        raise BadFilter(word, f"there is no field {field}; known are {', '.join(FIELDS)}")
    if quoted:
        value = re.sub(r"\\(.)", r"\1", value[1:-1], flags=re.DOTALL)
    if not value:
        raise BadFilter(word, "a value is missing")
    name = field.lower() if field is not None else FREE
    if (wants := _wants(name, value)) is not None:
        raise BadFilter(word, wants)
    return Term(name, value, bool(sign))


def _wants(field: str, value: str) -> str | None:
    """What a field accepts, where it does not accept this value."""
    number = value.removeprefix("<") if value.startswith("<") else value.removeprefix(">")
    refused = {
        "age": not _SPANS.fullmatch(number),
        "attempts": not (number.isascii() and number.isdigit() and len(number) < 10),
        "status": not _STATUS.fullmatch(value),
        "unknown": value not in ("yes", "no"),
        "state": value not in STATES,
        "kind": value not in KINDS,
    }.get(field, False)
    return f"{field} is {_FORMS[field]}" if refused else None


STATES = ("pending", "scheduled", "inflight", "dead", "trash", "rejected")
KINDS = ("pageview", "event", "goal", "raw")
_FORMS = {
    "age": "a time such as >10m, <1h or >1h30m",
    "attempts": "a number such as >3, <2 or 3",
    "status": "a number such as 503, a class such as 5xx, or none",
    "unknown": "yes or no",
    "state": f"one of {', '.join(STATES)}",
    "kind": f"one of {', '.join(KINDS)}",
}
