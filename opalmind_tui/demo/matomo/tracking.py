"""The tracking endpoint: what is stored of a request, and what is said about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from opalmind_tui.demo.matomo.accounts import Access, Account, Accounts
from opalmind_tui.demo.matomo.behaviour import Behaviour
from opalmind_tui.demo.matomo.faults import FAULTS, Case, Fault, failed, refused, tally
from opalmind_tui.demo.matomo.journal import Hit, Journal, Post
from opalmind_tui.demo.matomo.judge import Judged, Sender, Verdict, judge, site_of
from opalmind_tui.demo.matomo.message import HTML, JSON, Request, Response
from opalmind_tui.demo.matomo.sent import Sent
from opalmind_tui.demo.matomo.sites import Site
from opalmind_tui.demo.matomo.texts import ENDPOINT_PAGE, GIF, TRACKER_HEADERS
from opalmind_tui.demo.matomo.visits import Visit, Visits, visitor_of

PREFLIGHT = (("Access-Control-Allow-Methods", "GET, POST"), ("Access-Control-Allow-Headers", "*"))


class Count(Struct):
    """What a request came to."""

    tracked: int = 0
    invalid: int = 0
    indices: tuple[int, ...] = ()


class Arrival(Struct, frozen=True):
    """A request as it came, and what is to happen to it."""

    number: int
    request: Request
    sent: Sent
    behaviour: Behaviour
    fault_name: str
    chance: float
    """A random number in 0..1 that settles what is left to chance."""


Listener = Callable[[Hit, Visit, bool], None]
"""Told of every stored hit, with its visit and whether that is new."""


class Tracker:
    """Takes tracking requests."""

    def __init__(
        self, sites: Mapping[int, Site], accounts: Accounts, journal: Journal, clock: Callable[[], float]
    ) -> None:
        self._sites, self._accounts, self.journal, self._clock = sites, accounts, journal, clock
        self._visits = Visits()
        self.on_stored: Listener | None = None

    def answer(self, arrival: Arrival) -> Response:
        """Store what is to be stored, and answer. One step, so that no other request sees half of it."""
        request, sent = arrival.request, arrival.sent
        if request.method == "OPTIONS":
            return Response(204, headers=(*PREFLIGHT, TRACKER_HEADERS[0]))
        fault = FAULTS.get(arrival.fault_name)
        now = self._clock()
        count, hits, response = Count(), list[Hit](), Response(200)
        if fault is None or fault.stores:
            count, hits, response = self._regular(arrival, fault, now)
        if fault is not None:
            if fault.answer is not None:
                response = fault.answer(self._case(arrival, now))
            response = replace(response, wire=fault.wire)
        self.journal.write(
            Post(
                arrival.number, now, sent.kind, len(sent.hits), count.tracked, count.invalid, len(hits),
                response.status, response.wire, arrival.fault_name,
            ), hits,
        )  # fmt: skip
        return response

    def _case(self, arrival: Arrival, now: float) -> Case:
        sent, behaviour = arrival.sent, arrival.behaviour
        return Case(
            sent.kind, len(sent.hits), int(arrival.chance * len(sent.hits)), sent.image,
            self._may_know(sent), sent.token, now, behaviour.retry_after, behaviour.retry_after_date,
        )  # fmt: skip

    def _regular(self, arrival: Arrival, fault: Fault | None, now: float) -> tuple[Count, list[Hit], Response]:
        sent = arrival.sent
        case = self._case(arrival, now)
        if not arrival.behaviour.recording:
            return Count(), [], self._silent(sent) or FAULTS["recording-off"].answer(case)  # type: ignore[misc]
        if sent.kind == "bulk" and (refusal := self._shut_out(arrival, case, now)):
            return Count(), [], refusal
        lost = {case.failed_at} if fault is not None and fault.loses and sent.hits else set()
        count, hits = self._take(arrival, now, lost)
        return count, hits, self._response(arrival, count, case, lost)

    def _shut_out(self, arrival: Arrival, case: Case, now: float) -> Response | None:
        """The answer to a bulk that fails as a whole: for its token, or where a token is required for one hit."""
        token = arrival.sent.token
        if token and self._accounts.locked(now):
            return failed(case)
        if not arrival.behaviour.require_token:
            return None
        account = self._accounts.for_tracking(token, secure=False)
        if account is None or account.access < Access.WRITE:
            return failed(case)
        if any(site_of(hit, self._sites) is None for hit in arrival.sent.hits):
            return Response(400, tally("error", 0, 0, None), JSON, TRACKER_HEADERS)
        return None

    def _take(self, arrival: Arrival, now: float, lost: set[int]) -> tuple[Count, list[Hit]]:
        sent, request = arrival.sent, arrival.request
        count, hits, wrong, invalid = Count(), list[Hit](), False, list[int]()
        for index, params in enumerate(sent.hits):
            if index in lost and sent.kind == "bulk":
                continue
            account = self._account(params, sent, now)
            sender = Sender(
                now, request.address, request.headers.get("user-agent", ""),
                request.headers.get("x-purpose", "") == "preview", account,
            )  # fmt: skip
            judged = self._judge(params, sender, sent)
            wrong = wrong or (judged.wanted_token and bool(params.get("token_auth") or sent.token))
            if judged.verdict is Verdict.INVALID:
                invalid.append(index)
                continue
            count.tracked += 1
            if judged.verdict is Verdict.STORED:
                hits.append(self._store(params, sender, judged.time, arrival.number, index))
        if wrong:
            self._accounts.count_wrong(now)
        count.invalid, count.indices = len(invalid), tuple(invalid)
        return count, hits

    def _judge(self, params: Mapping[str, str], sender: Sender, sent: Sent) -> Judged:
        judged = judge(params, sender, self._sites, self._visits)
        # A request of nothing at all is an error alone, and skipped inside a bulk.
        return replace(judged, verdict=Verdict.INVALID) if sent.bare else judged

    def _account(self, params: Mapping[str, str], sent: Sent, now: float) -> Account | None:
        own = params.get("token_auth", "")
        account = self._accounts.for_tracking(own or sent.token, secure=sent.secure)
        locked_out = account is not None and account.access is Access.SUPER and self._accounts.locked(now)
        return None if locked_out else account

    def _store(self, params: Mapping[str, str], sender: Sender, time: float, number: int, index: int) -> Hit:
        kept = {name: value for name, value in params.items() if name != "token_auth"}
        hit = Hit(sender.now, time, number, index, kept)
        site = int(params["idsite"])
        visit, new = self._visits.join(site, visitor_of(params, sender.address, sender.agent), time)
        if "idgoal" in params:
            visit.goals.add(int(params["idgoal"]))
            if params["idgoal"] == "0":
                self._visits.take_order(site, params.get("ec_id", ""))
        if self.on_stored is not None:
            self.on_stored(hit, visit, new)
        return hit

    def _silent(self, sent: Sent) -> Response | None:
        if not sent.silent:
            return None
        return Response(204, b"", JSON if sent.kind == "bulk" else HTML, TRACKER_HEADERS)

    def _response(self, arrival: Arrival, count: Count, case: Case, lost: set[int]) -> Response:
        sent = arrival.sent
        if sent.kind == "bulk":
            return self._silent(sent) or Response(200, self._tally(sent, count), JSON, TRACKER_HEADERS)
        if sent.bare:
            return Response(400, ENDPOINT_PAGE, HTML, TRACKER_HEADERS)
        if count.invalid or lost:
            return refused(case)
        return self._silent(sent) or Response(200, GIF, "image/gif", TRACKER_HEADERS)

    def _tally(self, sent: Sent, count: Count) -> bytes:
        indices = list(count.indices) if sent.hits and self._may_know(sent) else None
        return tally("success", count.tracked, count.invalid, indices)

    def _may_know(self, sent: Sent) -> bool:
        account = self._accounts.for_tracking(sent.token or sent.url_token, secure=False)
        return account is not None and account.access is Access.SUPER
