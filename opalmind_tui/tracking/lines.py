"""Reads JSON lines of tracking calls: bounded memory, one outcome for each line, never an exception for a bad one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator

from msgspec import Struct

from opalmind_tui.errors import RefusedRequest
from opalmind_tui.tracking.fields import KEY, event, goal, pageview
from opalmind_tui.tracking.limits import LINE_LIMIT
from opalmind_tui.tracking.raw import raw
from opalmind_tui.tracking.request import TrackingRequest
from opalmind_tui.tracking.saved import SAVED, read_saved

BOM = b"\xef\xbb\xbf"
CALLS: dict[str, Callable[..., TrackingRequest]] = {"pageview": pageview, "event": event, "goal": goal}
KINDS = (*CALLS, "raw")
RAW_MEMBERS = ("params", KEY.name)


class Line(Struct, frozen=True):
    """What came of one line: a request, or the field at fault and the reason.

    Args:
        number: counted from 1, blank lines included.
        end: bytes of the input up to and including this line.
        id: the id that the request has already, as in a hand-over file; empty for a new one.
        endpoint: the Matomo that it was accepted for, where it has been accepted already.
    """

    number: int
    end: int
    request: TrackingRequest | None = None
    field: str = ""
    reason: str = ""
    id: str = ""
    endpoint: str = ""


def read_lines(
    chunks: Iterable[bytes], *, default_site_id: int | None = None, now: float | None = None
) -> Iterator[list[Line]]:
    """The lines that each chunk of the input completes, blank ones left out; the last line needs no line end.

    Args:
        chunks: pieces of the input of any size; no more than one chunk and one line are held at a time.
        default_site_id, now: as for `fields.pageview`.
    """
    for found in _split(chunks):
        lines = [_judge(number, end, line, default_site_id, now) for number, end, line in found]
        yield [line for line in lines if line is not None]


def parse_line(line: bytes, *, default_site_id: int | None = None, now: float | None = None) -> TrackingRequest:
    """The request of one line that is no hand-over line. Raises `RefusedRequest`."""
    return _request(_object(line), default_site_id, now)


def _request(call: dict[str, object], default_site_id: int | None, now: float | None) -> TrackingRequest:
    kind = call.pop("kind", None)
    if kind not in KINDS:
        raise RefusedRequest("kind", f"must be one of {', '.join(KINDS)}")
    if kind != "raw":
        return CALLS[kind](call, default_site_id=default_site_id, now=now)
    if unknown := [name for name in call if name not in RAW_MEMBERS]:
        raise RefusedRequest(unknown[0][:60], f"is no member of a raw line; known are {', '.join(RAW_MEMBERS)}")
    params = call.get("params")
    if not isinstance(params, dict):
        raise RefusedRequest("params", "must be an object")
    return raw(params, idempotency_key=call.get(KEY.name), default_site_id=default_site_id, now=now)


def _split(chunks: Iterable[bytes]) -> Iterator[list[tuple[int, int, bytes | None]]]:
    """Number, end and bytes of the lines that each chunk completes; None for a line over the limit."""
    number, position, held, too_long = 1, 0, bytearray(), False
    for chunk in chunks:
        found: list[tuple[int, int, bytes | None]] = []
        *complete, rest = chunk.split(b"\n")
        for piece in complete:
            position += len(piece) + 1
            too_long = too_long or len(held) + len(piece) > LINE_LIMIT
            found.append((number, position, None if too_long else bytes(held) + piece))
            number, too_long = number + 1, False
            held.clear()
        position += len(rest)
        too_long = too_long or len(held) + len(rest) > LINE_LIMIT
        if too_long:
            held.clear()
        else:
            held += rest
        yield found
    if held or too_long:
        yield [(number, position, None if too_long else bytes(held))]


def _judge(number: int, end: int, line: bytes | None, default_site_id: int | None, now: float | None) -> Line | None:
    if line is None:
        return Line(number, end, field="line", reason=f"is longer than {LINE_LIMIT:,} bytes")
    line = line.removeprefix(BOM) if number == 1 else line
    if not line.strip():
        return None
    try:
        call = _object(line)
        if call.get("kind") == SAVED:
            saved = read_saved(call, now=now)
            return Line(number, end, saved.request, id=saved.id, endpoint=saved.endpoint)
        return Line(number, end, _request(call, default_site_id, now))
    except RefusedRequest as error:
        return Line(number, end, field=error.field, reason=error.reason)


def _object(line: bytes) -> dict[str, object]:
    try:
        found = json.loads(line.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise RefusedRequest("line", f"is not UTF-8 (byte {error.start + 1})") from None
    except json.JSONDecodeError as error:
        raise RefusedRequest("line", f"is not JSON: {error.msg} (character {error.pos + 1})") from None
    except RecursionError:
        raise RefusedRequest("line", "is nested too deep") from None
    except ValueError:
        raise RefusedRequest("line", "holds a number that is too long") from None
    if not isinstance(found, dict):
        raise RefusedRequest("line", "must be a JSON object")
    return found


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise RefusedRequest(name[:60], "is given twice")
        found[name] = value
    return found


def _no_constant(name: str) -> object:
    raise RefusedRequest("line", f"holds {name}, which is not JSON and with which Matomo would lose the whole batch")
