"""How long reports and idempotency records live: configured while running, else by the environment (ruling 5)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from opalmind_tui.errors import SettingsError
from opalmind_tui.reports.features import NAMES
from opalmind_tui.settings import Settings
from opalmind_tui.snapshot.commands import TtlTarget
from opalmind_tui.text import safe_text

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86_400.0

REPORTS_NAME = "ttl:reports"
IDEMPOTENCY_NAME = "ttl:idempotency"
CONFIG_NAMES: tuple[str, ...] = (REPORTS_NAME, *(f"{REPORTS_NAME}:{name}" for name in NAMES), IDEMPOTENCY_NAME)
"""Every name under which a time to live can be configured."""

BOUNDS: Mapping[TtlTarget, tuple[float, float]] = {
    TtlTarget.REPORTS: (1.0, 30 * _DAY),
    TtlTarget.IDEMPOTENCY: (60.0, 365 * _DAY),
}
"""Least and most seconds that can be configured."""
PRESETS: Mapping[TtlTarget, tuple[tuple[float, str], ...]] = {
    TtlTarget.REPORTS: (
        (30.0, "real-time"),
        (60.0, "real-time"),
        (2 * _MINUTE, "moderate"),
        (5 * _MINUTE, "moderate"),
        (10 * _MINUTE, "batch"),
        (15 * _MINUTE, "batch"),
    ),
    TtlTarget.IDEMPOTENCY: (
        (1 * _HOUR, "short retries"),
        (6 * _HOUR, "short retries"),
        (24 * _HOUR, "a day"),
        (48 * _HOUR, "long outages"),
        (72 * _HOUR, "long outages"),
    ),
}
"""(seconds, what it is for) from practice."""

_UNITS = {"s": 1.0, "m": _MINUTE, "min": _MINUTE, "h": _HOUR, "d": _DAY, "": 1.0}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(s|min|m|h|d)?", re.IGNORECASE)


class Configured(Protocol):
    """A configured text, and where it comes from."""

    @property
    def value(self) -> str:
        """The text; empty where it was set back."""
        ...

    @property
    def by(self) -> str:
        """Who set it."""
        ...

    @property
    def at(self) -> float:
        """When, in epoch seconds."""
        ...

    @property
    def former(self) -> str:
        """The text before."""
        ...


class ConfiguredValues(Protocol):
    """The run-time configuration, as far as it is read here."""

    def details(self, name: str) -> Configured | None:
        """What was configured, or None where nothing ever was."""
        ...


class Ttl(Struct, frozen=True):
    """A time to live in force.

    Args:
        origin: ``configured``, ``environment`` or ``default``.
        by, at: who changed it last, and when (epoch seconds); empty and 0 where nobody did.
    """

    seconds: float
    origin: str
    by: str = ""
    at: float = 0.0


class Ttls:
    """The times to live in force.

    Args:
        settings: the environment's values.
        config: what was configured while running; None for nothing. A text there that is no valid time counts as none.
    """

    def __init__(self, settings: Settings, config: ConfiguredValues | None = None) -> None:
        self._settings = settings
        self._config = config
        self._given = {variable for variable, _ in settings.origins}

    def report(self, feature: str) -> Ttl:
        """A feature's own time, else that of all reports."""
        return self._configured(config_name(TtlTarget.REPORTS, feature), TtlTarget.REPORTS) or self.reports()

    def reports(self) -> Ttl:
        """The time of all reports that have none of their own."""
        return self._configured(REPORTS_NAME, TtlTarget.REPORTS) or self._set(
            "CACHE_TTL_MS", self._settings.cache_ttl_ms / 1000
        )

    def of(self, feature: str) -> Ttl:
        """A feature's time, or that of all reports where no feature is named."""
        return self.report(feature) if feature else self.reports()

    def idempotency(self) -> Ttl:
        """The time of idempotency records."""
        return self._configured(IDEMPOTENCY_NAME, TtlTarget.IDEMPOTENCY) or self._set(
            "REDIS_IDEMPOTENCY_TTL", float(self._settings.idempotency_ttl_s)
        )

    def all(self) -> Mapping[str, Ttl]:
        """Every time in force: of ``reports``, of each feature, of ``idempotency``."""
        features = {name: self.report(name) for name in NAMES}
        return {"reports": self.reports(), **features, "idempotency": self.idempotency()}

    def former(self, target: TtlTarget, feature: str = "") -> float:
        """Seconds that were set before the newest change, 0 where the environment counted.

        Raises `SettingsError` where nobody ever changed it.
        """
        details = self._config.details(config_name(target, feature)) if self._config is not None else None
        if details is None:
            raise SettingsError("time to live", "what was never changed", "one that somebody set")
        return _seconds(details.former, target) or 0.0

    def changed(self) -> int:
        """How many are configured otherwise than the environment says."""
        targets = dict.fromkeys(CONFIG_NAMES, TtlTarget.REPORTS) | {IDEMPOTENCY_NAME: TtlTarget.IDEMPOTENCY}
        return sum(self._configured(name, target) is not None for name, target in targets.items())

    def followers(self, feature: str) -> frozenset[str]:
        """The features that a change concerns: the one named, or all that have no time of their own."""
        if feature:
            return frozenset({feature})
        own = {name for name in NAMES if self._configured(config_name(TtlTarget.REPORTS, name), TtlTarget.REPORTS)}
        return frozenset(NAMES) - own

    def _configured(self, name: str, target: TtlTarget) -> Ttl | None:
        found = self._config.details(name) if self._config is not None else None
        seconds = _seconds(found.value, target) if found is not None else None
        return Ttl(seconds, "configured", found.by, found.at) if found is not None and seconds is not None else None

    def _set(self, variable: str, seconds: float) -> Ttl:
        return Ttl(seconds, "environment" if variable in self._given else "default")


def _seconds(text: str, target: TtlTarget) -> float | None:
    """A configured text as seconds; None where it is no valid time."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    least, most = BOUNDS[target]
    return seconds if least <= seconds <= most else None


def config_name(target: TtlTarget, feature: str = "") -> str:
    """The name in the run-time configuration."""
    if target is TtlTarget.IDEMPOTENCY:
        return IDEMPOTENCY_NAME
    return f"{REPORTS_NAME}:{feature}" if feature else REPORTS_NAME


def config_text(seconds: float) -> str:
    """Seconds as the configuration holds them."""
    return str(int(seconds)) if seconds == int(seconds) else str(seconds)


def parse_duration(text: str, name: str = "time to live") -> float:
    """Seconds of ``90``, ``300s``, ``5m``, ``5 min``, ``2h`` or ``1d``.

    Raises `SettingsError` that says what is accepted.

    Args:
        name: what the text was given for.
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise SettingsError(
            name,
            f"'{safe_text(text, 40)}'",
            "a number of seconds, or one with s, m, h or d, such as 300s or 5m",
        )
    return float(found[1]) * _UNITS[(found[2] or "").lower()]


def check_ttl(target: TtlTarget, seconds: float) -> None:
    """Raise `SettingsError` where a time is out of bounds."""
    least, most = BOUNDS[target]
    if not least <= seconds <= most:
        raise SettingsError("time to live", duration_text(seconds), f"{duration_text(least)} to {duration_text(most)}")


def duration_text(seconds: float) -> str:
    """Seconds in the largest unit that divides them: ``90 s``, ``5 min``, ``2 h``, ``30 d``."""
    for size, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"
