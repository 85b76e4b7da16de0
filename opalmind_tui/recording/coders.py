"""What turns values of one type into plain JSON and back; also only what changed from one to the next.

Plain forms: a struct is an object of its fields (those at their defaults may be left out), an enum its value, a
tuple a list, a float that JSON has no number for its name. Of two values of one type, the change is

- of a struct ``{"~": {field: change}}`` with the fields that differ,
- of a tuple ``{"-": n, "+": [...]}``, the former one without its first n, and more at the end; or
  ``{"@": {"3": change}}``, where only some differ,
- of all others the new value.
"""

from __future__ import annotations

import math
import typing
from collections.abc import Callable
from enum import Enum
from functools import cached_property
from typing import Any, Generic, TypeVar

from msgspec import Struct, structs

from opalmind_tui.errors import OpalmindError

T = TypeVar("T")
Clean = Callable[[str], str]
CHANGED, DROPPED, ADDED, PLACES = "~", "-", "+", "@"
MOST_WHOLE = 2**64
"""Whole numbers beyond it are none of ours, whoever tells them."""
MOST_SHIFT = 8
"""Elements at the head of a tuple that may have gone for the rest to be recognised."""
_INFINITIES = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}


class Misfit(OpalmindError, ValueError):
    """Plain JSON that is no value of the type.

    Args:
        what: what was found, or where.
    """


class Coder(Generic[T]):
    """How values of one type are written and read. Subclasses write a value; a change is the new value unless told."""

    def plain(self, value: T, *, whole: bool = False) -> Any:
        """As JSON. `whole`: also what is at its default."""
        return value

    def value(self, plain: Any) -> T:
        """From JSON. Raises `Misfit`."""
        raise NotImplementedError

    def change(self, old: T, new: T) -> Any:
        """As JSON, how `new` differs from `old`."""
        return self.plain(new)

    def changed(self, old: T, plain: Any) -> T:
        """The value that `change` was made of. Raises `Misfit`."""
        return self.value(plain)


class Text(Coder[str]):
    """A text, made clean on its way out."""

    def __init__(self, clean: Clean) -> None:
        self._clean = clean

    def plain(self, value: str, *, whole: bool = False) -> Any:
        return self._clean(value)

    def value(self, plain: Any) -> str:
        if not isinstance(plain, str):
            raise Misfit(f"{type(plain).__name__} where text belongs")
        return plain


class Truth(Coder[bool]):
    """True or false."""

    def value(self, plain: Any) -> bool:
        if not isinstance(plain, bool):
            raise Misfit(f"{type(plain).__name__} where true or false belongs")
        return plain


class Whole(Coder[int]):
    """A whole number."""

    def plain(self, value: int, *, whole: bool = False) -> Any:
        return max(-MOST_WHOLE, min(MOST_WHOLE, value))

    def value(self, plain: Any) -> int:
        if not isinstance(plain, int) or isinstance(plain, bool) or abs(plain) > MOST_WHOLE:
            raise Misfit(f"{type(plain).__name__} where a whole number belongs, or one too large")
        return plain


class Number(Coder[float]):
    """A number; infinite and undefined ones by name."""

    def plain(self, value: float, *, whole: bool = False) -> Any:
        return value if math.isfinite(value) else str(float(value))

    def value(self, plain: Any) -> float:
        if isinstance(plain, str) and plain in _INFINITIES:
            return _INFINITIES[plain]
        if not isinstance(plain, int | float) or isinstance(plain, bool):
            raise Misfit(f"{type(plain).__name__} where a number belongs")
        if abs(plain) > MOST_WHOLE:
            raise Misfit("a number that is too large")
        return plain


class Choice(Coder[Enum]):
    """One of an enum, by its value."""

    def __init__(self, kind: type[Enum]) -> None:
        self._kind = kind

    def plain(self, value: Enum, *, whole: bool = False) -> Any:
        return value.value

    def value(self, plain: Any) -> Enum:
        try:
            return self._kind(plain)
        except ValueError:
            raise Misfit(f"an unknown {self._kind.__name__}") from None


class Anything(Coder[Any]):
    """What has no type of ours: JSON as it is. Other numbers than JSON's become None, other values their text."""

    def __init__(self, clean: Clean) -> None:
        self._clean = clean

    def plain(self, value: Any, *, whole: bool = False) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return value if math.isfinite(value) and abs(value) <= MOST_WHOLE else None
        if isinstance(value, list | tuple):
            return [self.plain(one) for one in value]
        if isinstance(value, dict):
            return {self._clean(str(name)): self.plain(one) for name, one in value.items()}
        return self._clean(str(value))

    def value(self, plain: Any) -> Any:
        return plain


class Maybe(Coder[Any]):
    """A value, or none."""

    def __init__(self, inner: Coder[Any]) -> None:
        self._inner = inner

    def plain(self, value: Any, *, whole: bool = False) -> Any:
        return None if value is None else self._inner.plain(value, whole=whole)

    def value(self, plain: Any) -> Any:
        return None if plain is None else self._inner.value(plain)

    def change(self, old: Any, new: Any) -> Any:
        return self.plain(new) if old is None or new is None else self._inner.change(old, new)

    def changed(self, old: Any, plain: Any) -> Any:
        return self.value(plain) if old is None or plain is None else self._inner.changed(old, plain)


class Row(Coder[tuple[Any, ...]]):
    """A tuple of any length, of one type."""

    def __init__(self, inner: Coder[Any]) -> None:
        self._inner = inner

    def plain(self, value: tuple[Any, ...], *, whole: bool = False) -> Any:
        plain = self._inner.plain
        return [plain(one, whole=whole) for one in value]

    def value(self, plain: Any) -> tuple[Any, ...]:
        if not isinstance(plain, list):
            raise Misfit(f"{type(plain).__name__} where a list belongs")
        return tuple(map(self._inner.value, plain))

    def change(self, old: tuple[Any, ...], new: tuple[Any, ...]) -> Any:
        for dropped in range(min(MOST_SHIFT, len(old))):
            rest = len(old) - dropped
            if rest <= len(new) and old[dropped:] == new[:rest]:
                return {DROPPED: dropped, ADDED: self.plain(new[rest:])}
        if not old or len(old) != len(new):
            return self.plain(new)
        pairs = zip(old, new, strict=True)
        return {PLACES: {str(at): self._inner.change(a, b) for at, (a, b) in enumerate(pairs) if a is not b and a != b}}

    def changed(self, old: tuple[Any, ...], plain: Any) -> tuple[Any, ...]:
        if not isinstance(plain, dict):
            return self.value(plain)
        if PLACES in plain:
            return self._replaced(old, plain[PLACES])
        dropped = plain.get(DROPPED)
        if not isinstance(dropped, int) or not 0 <= dropped <= len(old):
            raise Misfit("a list that continues another one than this")
        return old[dropped:] + self.value(plain.get(ADDED))

    def _replaced(self, old: tuple[Any, ...], places: Any) -> tuple[Any, ...]:
        found = list(old)
        for at, plain in _object(places).items():
            if not (at.isascii() and at.isdigit() and len(at) < 10 and int(at) < len(found)):
                raise Misfit("a place that the list has not")
            found[int(at)] = self._inner.changed(found[int(at)], plain)
        return tuple(found)


class Fixed(Coder[tuple[Any, ...]]):
    """A tuple of a fixed length, each element of a type of its own."""

    def __init__(self, inner: tuple[Coder[Any], ...]) -> None:
        self._inner = inner

    def plain(self, value: tuple[Any, ...], *, whole: bool = False) -> Any:
        return [coder.plain(one, whole=whole) for coder, one in zip(self._inner, value, strict=True)]

    def value(self, plain: Any) -> tuple[Any, ...]:
        if not isinstance(plain, list) or len(plain) != len(self._inner):
            raise Misfit(f"no list of {len(self._inner)}")
        return tuple(coder.value(one) for coder, one in zip(self._inner, plain, strict=True))


class Field(Struct, frozen=True):
    """One of a struct."""

    name: str
    sign: str
    """Its name in JSON."""
    coder: Coder[Any]
    default: Any
    """`msgspec.NODEFAULT` where it has none."""


class Record(Coder[Any]):
    """A struct. Fields that are not known are those of a newer minor version, and left out."""

    def __init__(self, kind: type[Any], fields: Callable[[], tuple[Field, ...]]) -> None:
        self._kind = kind
        self._make = fields

    @cached_property
    def _fields(self) -> tuple[Field, ...]:
        # Not before it is needed: a type may hold others of its own.
        return self._make()

    def plain(self, value: Any, *, whole: bool = False) -> Any:
        found = {}
        for field in self._fields:
            inner = getattr(value, field.name)
            if whole or (inner is not field.default and inner != field.default):
                found[field.sign] = field.coder.plain(inner, whole=whole)
        return found

    def value(self, plain: Any) -> Any:
        given = _object(plain)
        values = {field.name: field.coder.value(given[field.sign]) for field in self._fields if field.sign in given}
        try:
            return self._kind(**values)
        except TypeError:
            raise Misfit(f"a {self._kind.__name__} without all that it needs") from None

    def change(self, old: Any, new: Any) -> Any:
        found = {}
        for field in self._fields:
            before, after = getattr(old, field.name), getattr(new, field.name)
            if before is not after and before != after:
                found[field.sign] = field.coder.change(before, after)
        return {CHANGED: found}

    def changed(self, old: Any, plain: Any) -> Any:
        given = _object(plain)
        if CHANGED not in given:
            return self.value(given)
        given = _object(given[CHANGED])
        values = {
            field.name: field.coder.changed(getattr(old, field.name), given[field.sign])
            for field in self._fields
            if field.sign in given
        }
        return structs.replace(old, **values) if values else old


def _object(plain: Any) -> dict[str, Any]:
    if not isinstance(plain, dict):
        raise Misfit(f"{type(plain).__name__} where an object belongs")
    return typing.cast("dict[str, Any]", plain)
