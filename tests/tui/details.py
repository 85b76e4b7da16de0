"""All that is known of a request, for tests of its window."""

from __future__ import annotations

from opalmind_tui.snapshot.listing import Attempt, Parameter, RequestDetail
from opalmind_tui.snapshot.model import RequestRow, State

PART = 16_000
USER, ADDRESS = "anna@example.org", "10.1.2.3"


def detail(row: RequestRow, reveal: bool = False, start: int = 0, *, more: str = "") -> RequestDetail:
    """A request with a bit of everything. `more`: what its stored text ends with."""
    params = (
        Parameter("idsite", "site id", row.site),
        Parameter("url", "address of the page", f"https://example.org/shop/?{'q=1&' * 40}"),
        Parameter("e_c", "event category", "Video"),
        Parameter("uid", "user id", USER if reveal else "•••", True, not reveal),
        Parameter("cip", "IP address of the visitor", ADDRESS if reveal else "•••", True, not reveal),
        Parameter("own", "", "nobody knows"),
    )
    failed = row.failed_at or row.accepted
    attempts = tuple(
        Attempt(failed - 60 * (row.attempts - at), row.status, row.error, "web-1.internal:4711",
                None if row.state is State.DEAD and at == row.attempts else 2.0**at)
        for at in range(1, row.attempts + 1)
    )  # fmt: skip
    shown = ",\n".join(f'  "{one.name}": "{one.value}"' for one in params)
    body = f"{{\n{shown}{more}\n}}"
    record = '{"key":"k","value":{"ok":true,"status":200}}' if row.key else ""
    return RequestDetail(
        row, params, attempts, record, 80_000.0 if record else None, body[start : start + PART], len(body), reveal,
        "https://matomo.example.org",
    )  # fmt: skip
