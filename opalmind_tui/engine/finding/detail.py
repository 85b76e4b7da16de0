"""All that is known of one request, as a screen may show it: personal data hidden until somebody asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import orjson

from opalmind_tui.matomo.masking import MASK, mask
from opalmind_tui.snapshot.listing import Parameter, RequestDetail
from opalmind_tui.tracking.ids import endpoint_code
from opalmind_tui.tracking.parameters import PERSONAL, SECRET, meaning_of
from opalmind_tui.tracking.queue import Closer

CANDIDATES = 4
"""Codes that an endpoint may have."""
BODY_PART = 16_000
"""Characters of a body that come at a time."""


def detail_of(found: Closer, endpoint: str, secrets: Iterable[str], *, reveal: bool, start: int = 0) -> RequestDetail:
    """The detail.

    Args:
        endpoint: the Matomo that this process sends to.
        secrets: what is hidden whatever happens.
        reveal: show personal data.
        start: the first character of the body's part.
    """
    hidden = tuple(secrets)
    params = tuple(_parameter(name, value, hidden, reveal) for name, value in found.stored.params.items())
    body = _body(found, params, hidden)
    record = (found.record or b"").decode("utf-8", "replace")
    return RequestDetail(
        found.stored.row,
        params,
        found.attempts,
        mask(record, hidden),
        found.record_ends,
        body[start : start + BODY_PART],
        len(body),
        reveal,
        endpoint if _is_of(found.stored.row.id, endpoint) else "",
    )


def _is_of(request_id: str, endpoint: str) -> bool:
    return any(request_id.startswith(endpoint_code(endpoint, attempt)) for attempt in range(CANDIDATES))


def _parameter(name: str, value: str, secrets: tuple[str, ...], reveal: bool) -> Parameter:
    personal, secret = name in PERSONAL, name in SECRET
    masked = bool(value) and (secret or (personal and not reveal))
    shown = MASK if masked else mask(value, secrets)
    return Parameter(name, meaning_of(name), shown, personal=personal, masked=masked)


def _body(found: Closer, params: Iterable[Parameter], secrets: tuple[str, ...]) -> str:
    """The stored text, with what is hidden among the parameters hidden here, too."""
    if not found.stored.params:
        return mask(found.body.decode("utf-8", "replace"), secrets)
    row = found.stored.row
    shown: Mapping[str, object] = {
        "kind": row.kind, "key": row.key, "params": {parameter.name: parameter.value for parameter in params},
    }  # fmt: skip
    return orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode()
