"""Matomo and our token: does it answer, and does it let us do what we must?"""

from __future__ import annotations

from opalmind_tui.doctor.connection import CLOCK_APART
from opalmind_tui.doctor.facts import Facts
from opalmind_tui.health.words import lasting
from opalmind_tui.snapshot.commands import Act, Command
from opalmind_tui.snapshot.findings import Finding, Severity

BEST = "Best is a token of a separate user with write access to that one site."
_NEEDS_TOKEN = "Requests over 24 h old, as after an outage, are counted invalid with such a token."


def not_configured(facts: Facts) -> Finding | None:
    """No Matomo at all."""
    if facts.settings.matomo_base_url:
        return None
    return Finding(
        "no-matomo", Severity.REMARK, "No Matomo is configured", "MATOMO_BASE_URL is not set.",
        "This process sends nothing and reads no reports.", "Set MATOMO_BASE_URL and MATOMO_TOKEN.",
    )  # fmt: skip


def silent(facts: Facts) -> Finding | None:
    """It does not answer, or with an error that is not about the token."""
    error = facts.state.matomo.error
    if not facts.settings.matomo_base_url or error is None or facts.matomo_kind in ("auth", "permission", "rate-limit"):
        return None
    late = facts.matomo_kind == "timeout"
    return Finding(
        "matomo-timeout" if late else "matomo-silent", Severity.FAILURE,
        "Matomo does not answer in time" if late else "Matomo does not answer as it should", facts.clean(error),
        "Requests wait in the queue; reports come from the cache, old ones too, or not at all.",
        "Look at Matomo's load and database, and at proxies on the way." if late
        else "Look at MATOMO_BASE_URL, at Matomo and its database.",
    )  # fmt: skip


def locked_out(facts: Facts) -> Finding | None:
    """Too many bad tokens from this address."""
    error = facts.state.matomo.error
    if error is None or facts.matomo_kind != "rate-limit":
        return None
    return Finding(
        "matomo-locked", Severity.FAILURE, "Matomo does not look at tokens from here for now", facts.clean(error),
        "It answers good tokens with errors, too. Requests without a token go on.",
        "Find out who uses a bad token from this address, and wait 20 minutes; an administrator can unblock the "
        "address in Matomo's settings.",
    )  # fmt: skip


def refused(facts: Facts) -> Finding | None:
    """A wrong or expired token."""
    error = facts.state.matomo.error
    if error is None or facts.matomo_kind not in ("auth", "permission") or not facts.settings.matomo_token:
        return None
    denied = facts.matomo_kind == "permission"
    return Finding(
        "token-not-allowed" if denied else "token-refused", Severity.FAILURE,
        "Matomo does not allow the token enough" if denied else "Matomo refuses the token", facts.clean(error),
        f"No report can be read. {_NEEDS_TOKEN} Each try with a bad token brings the lock-out nearer, so none is made.",
        f"Correct MATOMO_TOKEN. {BEST} Then ask again.", "",
        Command(Act.TEST_TOKEN), "Ask Matomo again with the token",
    )  # fmt: skip


def secure_only(facts: Facts) -> Finding | None:
    """The super user's token that is made for secure requests only: reports work, bulks ignore it."""
    token = facts.token
    if token is None or not token.super_user or token.in_bulks is not False:
        return None
    said = f" It answered {facts.clean(token.bulk_error, 120)}." if token.bulk_error else ""
    return Finding(
        "token-secure-only", Severity.FAILURE, "Matomo ignores the token in bulks",
        "Reports take it as a super user's; a bulk does not know it. It was made only for secure requests, or "
        f"only_allow_secure_auth_tokens is set.{said}",
        _NEEDS_TOKEN,
        f"{BEST} Or make a super user's token without the tick at 'Only allow secure requests'.",
    )  # fmt: skip


def may_not_write(facts: Facts) -> Finding | None:
    """A token that may read, but not send what is old."""
    token, site = facts.token, facts.settings.matomo_default_site_id
    if token is None or token.super_user is not False or token.writes is None:
        return None
    if token.writes and (site is None or site in token.writes):
        return None
    where = f"site {site}" if site is not None and token.writes else "any site"
    return Finding(
        "token-may-not-write", Severity.FAILURE, "The token may not write",
        f"Matomo gives its user no write access to {where}.", _NEEDS_TOKEN,
        f"Give its user write access in Matomo. {BEST}",
    )  # fmt: skip


def clock_apart(facts: Facts) -> Finding | None:
    """Matomo's clock beside the one that stamps requests: Redis's, or ours where that is not known."""
    if facts.matomo_clock is None:
        return None
    offset, margin = facts.matomo_clock
    seen = facts.examination
    if seen is not None and seen.clock_offset is not None:
        offset, margin = offset - seen.clock_offset, margin + seen.clock_margin
    if abs(offset) - margin < CLOCK_APART:
        return None
    ahead = "ahead of" if offset > 0 else "behind"
    means = (
        "Matomo replaces times in the future by the time of arrival: what waited counts as if it had come just then."
        if offset < 0
        else "Visits count as older than they are; near 24 h of waiting a token is asked for too soon."
    )
    return Finding(
        "matomo-clock-apart", Severity.WARNING, "The clock of Matomo is apart from ours",
        f"By the date of its answers Matomo is {lasting(abs(offset))} {ahead} the clock that stamps requests.",
        means, "Let NTP set the clocks of Matomo's web server and of its database, and compare them.",
        "timedatectl status",
    )  # fmt: skip


def no_token(facts: Facts) -> Finding | None:
    """Matomo without a token."""
    if not facts.settings.matomo_base_url or facts.settings.matomo_token:
        return None
    return Finding(
        "no-token", Severity.WARNING, "No Matomo token is set", "MATOMO_TOKEN is empty.",
        "No report can be read, and requests over 24 h old, as after an outage, cannot be sent.",
        f"Set MATOMO_TOKEN or MATOMO_TOKEN_FILE. {BEST}",
    )  # fmt: skip
