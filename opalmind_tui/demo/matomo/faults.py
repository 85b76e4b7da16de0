"""Everything that can go wrong with one request, in one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from email.utils import formatdate

import orjson
from msgspec import Struct

from opalmind_tui.demo.matomo.message import HTML, JSON, REPORT, Response, Wire
from opalmind_tui.demo.matomo.texts import (
    ENDPOINT_PAGE,
    GIF,
    LOGIN_PAGE,
    MAINTENANCE_PAGE,
    NOT_INSTALLED,
    TRACKER_HEADERS,
    proxy_page,
)  # fmt: skip

NO_DATABASE = "SQLSTATE[HY000] [2002] Connection refused"
LOST_DATABASE = "SQLSTATE[HY000]: General error: 2006 MySQL server has gone away"


class Case(Struct, frozen=True):
    """What a faulty answer depends on.

    Args:
        kind: ``single``, ``bulk`` or ``report``.
        sent: hits in the request. failed_at: the place in it where a database error strikes.
        image: the answer may be a picture (single). knows: the sender may know which hits were invalid (bulk).
        token: what was given as a token, for answers that echo it.
        now: epoch seconds. retry_after: seconds. as_date: spelled as a date.
    """

    kind: str
    sent: int = 0
    failed_at: int = 0
    image: bool = False
    knows: bool = False
    token: str = ""
    now: float = 0.0
    retry_after: float = 0.0
    as_date: bool = False


class Fault(Struct, frozen=True):
    """One way to fail.

    Args:
        meaning: in a sentence.
        answer: makes the answer; None gives the regular one.
        stores: the hits are stored all the same.
        loses: hits of a bulk that vanish: neither stored, nor counted as tracked or invalid.
        wire: what of the answer the client gets.
    """

    meaning: str
    answer: Callable[[Case], Response] | None = None
    stores: bool = False
    loses: int = 0
    wire: Wire = Wire.WHOLE


def failed(case: Case, *, tracked: int | None = None, message: str = NO_DATABASE) -> Response:
    """Trouble inside Matomo: each kind of request tells it in its own way, and a single hit tells nothing.

    `tracked` counts the hits of a bulk before the trouble (all rolled back); None where none was begun.
    """
    if case.kind == "report":
        return Response(500, orjson.dumps({"result": "error", "message": message}), REPORT)
    if case.kind == "single":
        return refused(case)
    indices: list[int] | None = [] if case.knows and tracked is not None else None
    return Response(500, tally("error", tracked or 0, 0, indices), JSON, TRACKER_HEADERS)


def refused(case: Case) -> Response:
    """The 400 that stands for every failure of a single hit."""
    if case.image:
        return Response(400, GIF + ENDPOINT_PAGE, "image/gif", TRACKER_HEADERS)
    return Response(400, ENDPOINT_PAGE, HTML, TRACKER_HEADERS)


def tally(status: str, tracked: int, invalid: int, indices: list[int] | None) -> bytes:
    """The body of a bulk's answer; `indices` only where the sender may know them."""
    body: dict[str, object] = {"status": status, "tracked": tracked, "invalid": invalid}
    if indices is not None:
        body["invalid_indices"] = indices
    return orjson.dumps(body)


def _limited(case: Case) -> Response:
    wait = formatdate(case.now + case.retry_after, usegmt=True) if case.as_date else f"{case.retry_after:g}"
    return Response(429, proxy_page(429), HTML, (("Retry-After", wait),))


def _echo(case: Case) -> Response:
    text = f"Error: token_auth={case.token} refused \x1b[31m[bold]\u202e\x9b2J\r\n<b>by the stand-in</b>"
    return Response(500, text.encode(), "text/plain; charset=UTF-8")


def _nothing_recorded(case: Case) -> Response:
    if case.kind == "bulk":
        return Response(200, tally("success", 0, 0, None), JSON, TRACKER_HEADERS)
    if case.image:
        return Response(503, GIF, "image/gif", TRACKER_HEADERS)
    return Response(204, b"", HTML, TRACKER_HEADERS)


def _lost_database(case: Case) -> Response:
    if case.kind != "bulk":
        return failed(case, message=LOST_DATABASE)
    return Response(200, f"Error:{LOST_DATABASE}".encode(), HTML)


FAULTS: Mapping[str, Fault] = {
    "400": Fault("refused by a proxy", lambda case: Response(400, proxy_page(400))),
    "401": Fault("a proxy wants a password", lambda case: Response(401, proxy_page(401))),
    "403": Fault("a firewall forbids it", lambda case: Response(403, proxy_page(403))),
    "404": Fault("no Matomo at this address", lambda case: Response(404, proxy_page(404))),
    "413": Fault("too large for a proxy", lambda case: Response(413, proxy_page(413))),
    "429": Fault("too many requests, with Retry-After", _limited),
    "500-rollback": Fault("a database error in the middle", lambda case: failed(case, tracked=case.failed_at)),
    "500-empty": Fault("PHP out of memory or time", lambda case: Response(500)),
    "502": Fault("a proxy cannot reach Matomo", lambda case: Response(502, proxy_page(502))),
    "503": Fault("unavailable", lambda case: Response(503, MAINTENANCE_PAGE)),
    "504": Fault("a proxy waited too long", lambda case: Response(504, proxy_page(504))),
    "204": Fault("stored, with an answer that says nothing", lambda case: Response(204, b"", JSON), stores=True),
    "html": Fault("a page for people in place of an answer", lambda case: Response(200, LOGIN_PAGE)),
    "not-installed": Fault("Matomo without its configuration", lambda case: Response(200, NOT_INSTALLED)),
    "redirect": Fault("moved", lambda case: Response(302, b"", HTML, (("Location", "/moved/matomo.php"),))),
    "database-down": Fault("Matomo cannot reach its database", failed),
    "echo": Fault("an error that repeats the token, with control characters", _echo),
    "recording-off": Fault("success, and nothing stored", _nothing_recorded),
    "sqlstate": Fault("database connection lost in the middle, with 200", _lost_database),
    "lock-wait": Fault("one hit waited too long for a lock and is lost, with 200", loses=1, stores=True),
    "no-answer": Fault("closed before anything was stored", wire=Wire.CLOSED),
    "stalled": Fault("neither stored nor answered", wire=Wire.STALLED),
    "answer-lost": Fault("stored, then closed without an answer", stores=True, wire=Wire.CLOSED),
    "answer-reset": Fault("stored, then reset", stores=True, wire=Wire.RESET),
    "answer-cut": Fault("stored, with half an answer", stores=True, wire=Wire.CUT),
    "answer-stalled": Fault("stored, and no answer comes", stores=True, wire=Wire.STALLED),
}
"""By the names that `Behaviour.faults` and scripts use."""
