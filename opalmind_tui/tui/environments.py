"""What kind of environment a name stands for, and its tone. The name itself is always in view."""

from __future__ import annotations

import re

from opalmind_tui.tui.lines import Tone

_PRODUCTION = frozenset({"prod", "production", "live"})
_BEFORE = frozenset({"pre", "non", "not", "no"})
"""Words that turn production into something else."""
KINDS: tuple[tuple[frozenset[str], Tone], ...] = (
    (frozenset({"staging", "stage", "stg", "preprod", "preproduction", "nonprod", "uat", "qa"}) | _BEFORE,
     Tone.STAGING),
    (frozenset({"development", "develop", "dev", "local", "localhost", "test", "testing", "ci"}), Tone.DEVELOPMENT),
    (frozenset({"demo", "sandbox", "playground"}), Tone.BADGE),
)  # fmt: skip


def tone_of(name: str) -> Tone:
    """The tone of an environment's name: one for production, staging, development and demo each, one for all others.

    A word of the name decides (``eu-prod-2`` is production, ``pre-production`` is not); production before the others,
    so that no mixed name looks harmless.
    """
    words = frozenset(re.split(r"[\W\d_]+", name.lower()))
    if words & _PRODUCTION and not words & _BEFORE:
        return Tone.PRODUCTION
    return next((tone for known, tone in KINDS if words & known), Tone.ENVIRONMENT)
