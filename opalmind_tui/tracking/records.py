"""Idempotency records: what a delivered request leaves under its key. Services write the same form."""

from __future__ import annotations

import orjson

LONGEST_RECORD = 65_536
"""Bytes. A longer value is no record."""


def fingerprint_in(record: bytes, key: str) -> str | None:
    """The payload's fingerprint in a record ('' where a service wrote it), None where the value is no record of `key`.

    Foreign and corrupt values are never taken for "already sent".
    """
    if len(record) > LONGEST_RECORD:
        return None
    try:
        data = orjson.loads(record)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(data, dict) or data.get("key") != key or not isinstance(data.get("value"), dict):
        return None
    if data["value"].get("ok") is not True:
        return None
    fingerprint = data.get("fingerprint")
    return fingerprint if isinstance(fingerprint, str) else ""


def with_fingerprint(record: bytes, key: str, fingerprint: str) -> bytes:
    """The record with the payload's fingerprint, so that another payload under its key is a conflict."""
    if fingerprint_in(record, key) != "":
        return record
    return record[:-1] + b',"fingerprint":' + orjson.dumps(fingerprint) + b"}"
