"""Who a hit belongs to, decided once at acceptance, so that a retry days later is still the same visitor (I4, I5)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b


def derived_cid(params: Mapping[str, str], when: datetime) -> str:
    """A visitor id for a hit that names none: 16 hex digits of site, IP (if given), user agent, language and UTC day.

    Never random for each hit (ruling 7): a repeated hit stays in the visit that it belongs to.
    """
    parts = [params.get(name, "") for name in ("idsite", "cip", "ua", "lang")]
    parts.append(when.strftime("%Y-%m-%d"))
    return blake2b("\0".join(parts).encode(), digest_size=8).hexdigest()


def with_visitor(params: dict[str, str], when: datetime) -> tuple[dict[str, str], str]:
    """The parameters with a visitor, and what tells this visitor apart from others.

    A user id wins over a visitor id, as in Matomo. Where neither is given, `cid` is derived.
    """
    if uid := params.get("uid"):
        return params, f"uid:{uid}"
    if cid := params.get("cid"):
        return params, f"cid:{cid.lower()}"
    cid = derived_cid(params, when)
    return {**params, "cid": cid}, f"cid:{cid}"
