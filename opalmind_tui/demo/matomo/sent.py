"""Reading a tracking request: one hit in a form or query string, or a bulk in JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

import orjson
from msgspec import Struct

from opalmind_tui.demo.matomo.message import Request, fields_of

DEPTH = 512
"""Nesting that PHP's JSON reader takes."""
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


class Sent(Struct, frozen=True):
    """What a tracking request carries.

    Args:
        hits: the parameters of each hit, `token_auth` left in.
        token: the token for all hits that have none of their own.
        secure: the token came in a form-encoded body.
        url_token: a token in the URL of a bulk.
        image: a good answer is a picture (single), false with ``send_image=0``. silent: the answer is an empty 204.
        bare: no parameter at all.
    """

    kind: Literal["single", "bulk"]
    hits: tuple[Mapping[str, str], ...]
    token: str = ""
    secure: bool = False
    url_token: str = ""
    image: bool = False
    silent: bool = False
    bare: bool = False


def read(request: Request) -> Sent:
    """Tell which kind it is, and take it apart. Never raises on a stranger's bytes."""
    return _bulk(request) if is_bulk(request) else _single(request)


def is_bulk(request: Request) -> bool:
    """A body with the word in quotes anywhere but at its very start, whatever its type."""
    return request.body.find(b'"requests"') > 0 or request.body.find(b"'requests'") > 0


def _single(request: Request) -> Sent:
    form = request.form if request.method == "POST" else {}
    params = {**request.url_fields, **form}
    image = params.get("send_image") != "0"
    return Sent(
        "single", (params,), token=params.get("token_auth", ""), secure="token_auth" in form,
        image=image and bool(params), silent=not image, bare=not params,
    )  # fmt: skip


def _bulk(request: Request) -> Sent:
    document = _document(request.body)
    fields = {**request.url_fields, **request.form} if document is None else as_text(document)
    listed = (document or {}).get("requests")
    entries = list(listed.values()) if isinstance(listed, dict) else listed if isinstance(listed, list) else []
    hits = tuple(hit for entry in entries if (hit := _hit(entry)) is not None)
    return Sent(
        "bulk", hits, token=fields.get("token_auth", ""), url_token=request.url_fields.get("token_auth", ""),
        silent=fields.get("send_image") == "0",
    )  # fmt: skip


def _document(body: bytes) -> dict[str, Any] | None:
    """The JSON object of a bulk; None for all that PHP's reader refuses."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) and _nesting(body) <= DEPTH else None


def _nesting(body: bytes) -> int:
    """How deep a well-formed document is nested (the pattern takes long on others)."""
    depth = deepest = 0
    for byte in re.findall(rb"[\[{\]}]", _STRINGS.sub(b"", body)):
        depth += 1 if byte in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _hit(entry: Any) -> Mapping[str, str] | None:
    """One entry of a bulk as parameters; None for text without a query, which drops out and shifts what follows."""
    if isinstance(entry, str):
        try:
            query = urlsplit(entry).query
        except ValueError:
            return None
        return fields_of(query.encode()) if query else None
    if isinstance(entry, dict):
        return as_text(entry)
    if isinstance(entry, list):
        return as_text({str(index): value for index, value in enumerate(entry)})
    return {}


def as_text(values: Mapping[str, Any]) -> dict[str, str]:
    """JSON values as PHP would write them; lists and objects are no values."""
    return {name: _text(value) for name, value in values.items() if not isinstance(value, (list, dict))}


def _text(value: Any) -> str:
    if value is True:
        return "1"
    return "" if value is None or value is False else str(value)
