"""Settings from the environment and from options, checked as a whole. Nothing is ignored in silence."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from opalmind_tui.errors import SettingsError
from opalmind_tui.settings.model import Settings
from opalmind_tui.settings.profiles import Profile, wanted_profile
from opalmind_tui.settings.table import BY_NAME, VARIABLES, Kind, Variable
from opalmind_tui.settings.values import MASK, held, parse, unusable

_NO_OPTIONS: Mapping[str, str] = MappingProxyType({})


class _Given(Struct, frozen=True):
    """What an operator gave for one variable."""

    variable: Variable
    text: str
    origin: str
    shown_name: str

    def __rich_repr__(self) -> list[tuple[str, object]]:
        # The text may be a secret, or hold one.
        return [("name", self.variable.name), ("origin", self.origin)]

    def __repr__(self) -> str:
        return f"_Given({self.variable.name}, {self.origin})"


_Found = dict[str, _Given]


def load_settings(environ: Mapping[str, str], options: Mapping[str, str] = _NO_OPTIONS) -> Settings:
    """Read and check every setting: an option beats the environment, that a profile, and that the default.

    An empty variable counts as unset, except a prefix: an empty prefix would mean every key of the server. Blanks
    around numbers, switches and addresses are dropped. Limits that contradict each other are adjusted and said in
    `Settings.notes`.

    Args:
        environ: the environment.
        options: what the command line gave, by the name of the variable; beats the environment.

    Raises:
        SettingsError: the first value that cannot be used.
    """
    profile = wanted_profile(environ, options)
    found = _given(environ, options, profile)
    _refuse_contradictions(found)
    values: dict[str, Any] = {
        given.variable.field: parse(given.variable, given.text, given.shown_name) for given in found.values()
    }
    _refuse_url_contradictions(found, values)
    notes = _agreed_limits(values)
    values["origins"] = tuple((name, given.origin) for name, given in found.items())
    settings = Settings(notes=(*_beaten(found, profile), *notes), **values)
    _refuse_overlapping_prefixes(found, settings)
    return settings


def _given(environ: Mapping[str, str], options: Mapping[str, str], profile: Profile | None) -> _Found:
    for name in options:
        if name not in BY_NAME or BY_NAME[name].option is None:
            raise SettingsError(name, "an option", "the options of the settings table")
    found: _Found = {}
    for variable in VARIABLES:
        option, text = options.get(variable.name), environ.get(variable.name)
        if option or (option is not None and variable.kind is Kind.PREFIX):
            _refuse_password(variable, option, variable.option or variable.name)
            found[variable.name] = _Given(variable, option, "option", variable.option or variable.name)
        elif text or (text is not None and variable.kind is Kind.PREFIX):
            origin = "file" if variable.from_file else "environment"
            found[variable.name] = _Given(variable, text, origin, variable.name)
        elif profile is not None and (given := _of_profile(variable, profile)) is not None:
            found[variable.name] = given
    return found


def _of_profile(variable: Variable, profile: Profile) -> _Given | None:
    text = profile.texts.get(variable.name)
    if variable.name == "OPALMIND_ENV":
        text = text or profile.name
    if not text and (text is None or variable.kind is not Kind.PREFIX):
        return None
    shown_name = profile.place(variable.name) if variable.name in profile.texts else variable.name
    _refuse_password(variable, text, shown_name)
    return _Given(variable, text, profile.origin, shown_name)


def _beaten(found: _Found, profile: Profile | None) -> tuple[str, ...]:
    """Which values of the profile do not count, and why: a variable left in a shell must not send you elsewhere."""
    if profile is None:
        return ()
    lost = [found[name] for name in profile.texts if name in found and found[name].origin != profile.origin]
    return (
        *profile.config.notes,
        *(f"{one.variable.name}: that of the {one.origin} counts, not that of {profile.origin}" for one in lost),
    )


def _refuse_password(variable: Variable, text: str, shown_name: str) -> None:
    """Other users of the machine see a command line, and may see a file; nobody sees our environment (I10)."""
    if variable.kind is not Kind.REDIS_URL or "@" not in text:
        return
    if ":" in text.rpartition("@")[0].partition("://")[2]:
        accepted = "an address without a password; give it by REDIS_PASSWORD, REDIS_PASSWORD_FILE or REDIS_URL"
        raise unusable(variable, text, shown_name, f"{accepted} in the environment")


_EXCLUSIVE = (
    ("REDIS_URL", "REDIS_HOST"),
    ("REDIS_URL", "REDIS_PORT"),
    ("REDIS_URL", "REDIS_DB"),
    ("REDIS_SENTINELS", "REDIS_URL"),
    ("REDIS_SENTINELS", "REDIS_HOST"),
    ("REDIS_SENTINELS", "REDIS_PORT"),
    ("REDIS_SENTINELS", "REDIS_CLUSTER"),
    ("REDIS_PASSWORD", "REDIS_PASSWORD_FILE"),
    ("REDIS_SENTINEL_PASSWORD", "REDIS_SENTINEL_PASSWORD_FILE"),
    ("MATOMO_TOKEN", "MATOMO_TOKEN_FILE"),
    ("OPAL_BEARER_TOKEN", "OPAL_BEARER_TOKEN_FILE"),
)

_NEEDED = {
    "REDIS_TLS_CERT": "REDIS_TLS_KEY",
    "REDIS_TLS_KEY": "REDIS_TLS_CERT",
    "REDIS_NODES": "REDIS_CLUSTER",
    "REDIS_SENTINEL_MASTER": "REDIS_SENTINELS",
    "REDIS_SENTINEL_USERNAME": "REDIS_SENTINELS",
    "REDIS_SENTINEL_PASSWORD": "REDIS_SENTINELS",
    "REDIS_SENTINEL_PASSWORD_FILE": "REDIS_SENTINELS",
}
"""What means nothing without another: it would be ignored in silence."""


def _refuse_contradictions(found: _Found) -> None:
    for first, second in _EXCLUSIVE:
        if first in found and second in found:
            one, other = found[first], found[second]
            shown = held(one.variable, one.text)
            raise SettingsError(one.shown_name, f"{shown} beside {other.shown_name}", "only one of the two")
    for name, needed in _NEEDED.items():
        if name in found and needed not in found:
            one = found[name]
            raise unusable(one.variable, one.text, one.shown_name, f"it only together with {needed}")


_NO_DB = ("", "/", "/0")


def _refuse_url_contradictions(found: _Found, values: Mapping[str, Any]) -> None:
    parts = urlsplit(values.get("redis_url", ""))
    if "redis_password" in values and parts.password is not None:
        name = "REDIS_PASSWORD" if "REDIS_PASSWORD" in found else "REDIS_PASSWORD_FILE"
        raise SettingsError(found[name].shown_name, f"{MASK} beside a password in REDIS_URL", "only one of the two")
    if "redis_username" in values and parts.username:
        given = found["REDIS_USERNAME"]
        raise SettingsError(given.shown_name, "a user beside the user in REDIS_URL", "only one of the two")
    tls = values.get("redis_tls")
    if tls is not None and parts.scheme and tls != (parts.scheme == "rediss"):
        given = found["REDIS_TLS"]
        raise unusable(given.variable, given.text, given.shown_name, f"what agrees with {parts.scheme}:// in REDIS_URL")
    for name in ("REDIS_TLS_CA", "REDIS_TLS_CERT"):
        if name in found and not tls and parts.scheme != "rediss":
            given = found[name]
            raise unusable(
                given.variable, given.text, given.shown_name, "a file, only with REDIS_TLS=true or rediss://"
            )
    if values.get("redis_cluster") and (parts.scheme == "unix" or values.get("redis_db") or parts.path not in _NO_DB):
        given = found["REDIS_CLUSTER"]
        accepted = "a switch; on only with host and port, and database 0: a Cluster has no other"
        raise unusable(given.variable, given.text, given.shown_name, accepted)
    for name in ("REDIS_QUEUE_PREFIX", "REDIS_STATS_PREFIX") if values.get("redis_cluster") else ():
        if name in found and "{}" in found[name].text:
            given = found[name]
            raise unusable(given.variable, given.text, given.shown_name, "a prefix without {}: it ends all hash tags")


def _agreed_limits(values: dict[str, Any]) -> tuple[str, ...]:
    """Raise a queue's fail limit, or lower the cache's, to the warning limit; say so where the operator set it."""
    defaults, notes = Settings(), []
    for warn, fail, agreed, verb in (
        ("queue_warn_pending", "queue_fail_pending", max, "raised"),
        ("queue_warn_age_ms", "queue_fail_age_ms", max, "raised"),
        ("cache_warn_hit_rate", "cache_fail_hit_rate", min, "lowered"),
    ):
        limit = values.get(warn, getattr(defaults, warn))
        had = values.get(fail, getattr(defaults, fail))
        values[fail] = agreed(limit, had)
        if values[fail] != had:
            name = next(variable.name for variable in VARIABLES if variable.field == fail)
            notes.append(f"{name}: {had:g} {verb} to the warning limit {limit:g}")
    return tuple(notes)


def _refuse_overlapping_prefixes(found: _Found, settings: Settings) -> None:
    """A key must belong to one part of the data: deleting a cache must not reach the queue."""
    prefixes = [variable for variable in VARIABLES if variable.kind is Kind.PREFIX]
    for first, second in permutations(prefixes, 2):
        if getattr(settings, second.field).startswith(getattr(settings, first.field)):
            blamed, other = (first, second) if first.name in found else (second, first)
            text = getattr(settings, blamed.field)
            accepted = f"a prefix that neither begins {other.name} nor begins with it"
            raise unusable(blamed, text, found[blamed.name].shown_name, accepted)
