"""From the text of one variable to its value. `unusable` builds the error, with secrets masked."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from stat import S_ISREG
from urllib.parse import parse_qsl, urlsplit

from opalmind_tui.errors import SettingsError
from opalmind_tui.settings.table import MOST_SERVICES, Kind, Variable
from opalmind_tui.text import safe_text

MASK = "***"
MAX_SECRET_FILE = 4096
"""Bytes of a file that holds a password or token."""
_MAX_TEXT = 200
_MAX_HOSTS = 2000
_SHOWN = 120
_SAMPLES = ("change-me", "set-me")
_SWITCHES = {
    "true": True, "yes": True, "on": True, "1": True,
    "false": False, "no": False, "off": False, "0": False,
}  # fmt: skip
_WHOLE = re.compile(r"[0-9]{1,18}")
# No sign, exponent, underscore, hexadecimal, inf or nan: what looks unusual in a limit is a mistake.
_PERCENT = re.compile(r"[0-9]{1,3}(\.[0-9]{1,9})?")
_HOST = re.compile(r"[^\s/@\\?#\[\]:]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%[\w.-]+)?")
_BARE_HOST = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(:[0-9]+)?(/[\w./-]*)?")


def parse(variable: Variable, text: str, shown_name: str) -> object:
    """The value of a variable.

    Args:
        variable: its row.
        text: what was given; not empty.
        shown_name: the variable or option as the operator wrote it, for the error.

    Raises:
        SettingsError: it cannot be used.
    """
    return _PARSERS[variable.kind](variable, text, shown_name)


def unusable(variable: Variable, text: str, shown_name: str, accepted: str = "") -> SettingsError:
    """The error for a value, with what it held masked where it is, or may hold, a secret."""
    return SettingsError(shown_name, held(variable, text), accepted or variable.accepted)


def held(variable: Variable, text: str) -> str:
    """What a variable held, fit to be shown."""
    if variable.secret or (variable.from_file and not any(sign in text for sign in "/.")):
        return MASK  # a name without both is rather the secret itself, in the wrong variable
    web = variable.kind in (Kind.WEB_URL, Kind.WEB_URLS)
    host = variable.kind in (Kind.HOST, Kind.HOSTS)
    if web or variable.kind is Kind.REDIS_URL or (host and "@" in text):
        text = text if web and _BARE_HOST.fullmatch(text) else masked_url(text)
    return f'"{safe_text(text, _SHOWN)}"' if text else "an empty text"


def masked_url(text: str) -> str:
    """A URL, or what was meant to be one, without anything that could be a secret.

    Passwords with a raw ``/``, ``#`` or ``@`` in them mislead a parser, so all up to the last ``@`` goes.
    """
    scheme, separator, rest = text.partition("://")
    if not separator or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]{0,20}", scheme):
        return MASK
    if "@" in rest:
        rest = f"{MASK}@" + rest.rpartition("@")[2]
    for mark in "?#":
        start, found, tail = rest.partition(mark)
        if found and not re.fullmatch(r"db=[0-9]*", tail):
            rest = f"{start}{mark}{MASK}"
    return f"{scheme}://{rest}"


def _whole(variable: Variable, text: str, shown_name: str) -> int:
    number = text.strip()
    if not _WHOLE.fullmatch(number) or not variable.least <= int(number) <= variable.most:
        raise unusable(variable, text, shown_name)
    return int(number)


def _percent(variable: Variable, text: str, shown_name: str) -> float:
    number = text.strip()
    if not _PERCENT.fullmatch(number) or float(number) > 100:
        raise unusable(variable, text, shown_name)
    return float(number)


def _switch(variable: Variable, text: str, shown_name: str) -> bool:
    try:
        return _SWITCHES[text.strip().lower()]
    except KeyError:
        raise unusable(variable, text, shown_name) from None


def _delivery(variable: Variable, text: str, shown_name: str) -> bool:
    found = text.strip().lower()
    if found not in ("bulk", "exact"):
        raise unusable(variable, text, shown_name)
    return found == "exact"


def _text(variable: Variable, text: str, shown_name: str) -> str:
    text = text.strip()
    if not text or len(text) > _MAX_TEXT or not text.isprintable():
        raise unusable(variable, text, shown_name)
    return text


def _host(variable: Variable, text: str, shown_name: str) -> str:
    text = _text(variable, text, shown_name)
    if not _HOST.fullmatch(text):
        raise unusable(variable, text, shown_name)
    return text


def _hosts(variable: Variable, text: str, shown_name: str) -> tuple[tuple[str, int], ...]:
    if len(text) > _MAX_HOSTS or not text.strip().isprintable():
        raise unusable(variable, text, shown_name)
    found = []
    for one in text.split(","):
        host, _, port = one.strip().rpartition(":")
        bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
        usable = _HOST.fullmatch(bare) and (":" in bare) == (bare != host)
        if not usable or not _WHOLE.fullmatch(port) or not 0 < int(port) < 65_536:
            raise unusable(variable, text, shown_name)
        found.append((bare, int(port)))
    return tuple(dict.fromkeys(found))


def _prefix(variable: Variable, text: str, shown_name: str) -> str:
    if not text.strip() or len(text) > _MAX_TEXT or not text.isprintable():
        raise unusable(variable, text, shown_name)
    return text


def _password(variable: Variable, text: str, shown_name: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise unusable(variable, text, shown_name, "text in UTF-8") from None
    return text


def _token(variable: Variable, text: str, shown_name: str) -> str:
    if not (text.isascii() and text.isprintable() and " " not in text) or text.lower() in _SAMPLES:
        raise unusable(variable, text, shown_name)
    return text


def _path(variable: Variable, text: str, shown_name: str) -> str:
    _read_file(variable, text, shown_name, 0)
    return text


def _password_file(variable: Variable, text: str, shown_name: str) -> str:
    return _secret_in_file(variable, text, shown_name)


def _token_file(variable: Variable, text: str, shown_name: str) -> str:
    token = _secret_in_file(variable, text, shown_name)
    if not (token.isascii() and token.isprintable() and " " not in token) or token.lower() in _SAMPLES:
        raise unusable(variable, text, shown_name, "a file with a token: printable ASCII without blanks, no sample")
    return token


def _secret_in_file(variable: Variable, text: str, shown_name: str) -> str:
    content = _read_file(variable, text, shown_name, MAX_SECRET_FILE + 1)
    if len(content) > MAX_SECRET_FILE:
        raise unusable(variable, text, shown_name, f"a file of at most {MAX_SECRET_FILE} bytes")
    try:
        secret = content.decode()
    except UnicodeDecodeError:
        raise unusable(variable, text, shown_name, "a file with text in UTF-8") from None
    secret = secret.removesuffix("\n").removesuffix("\r")
    if not secret:
        raise unusable(variable, text, shown_name, "a file that is not empty")
    return secret


def _read_file(variable: Variable, text: str, shown_name: str, limit: int) -> bytes:
    try:
        path = Path(text)
        # A pipe or device could block the start for ever.
        if not S_ISREG(path.stat().st_mode):
            raise unusable(variable, text, shown_name, "a regular file")
        with path.open("rb") as file:
            return file.read(limit)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a usable path"
        raise unusable(variable, text, shown_name, f"a file that can be read ({reason.lower()})") from None


def _redis_url(variable: Variable, text: str, shown_name: str) -> str:
    url = text.strip()
    if not _is_redis_url(url):
        raise unusable(variable, url, shown_name)
    return url


def _is_redis_url(url: str) -> bool:
    if not url.isprintable() or " " in url or "\\" in url:
        return False
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        query = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        return False
    if "#" in url:
        return False
    if parts.scheme == "unix":
        database = dict(query).get("db", "0") if len(query) <= 1 else ""
        named = not host and parts.path.startswith("/") and len(parts.path) > 1
        return named and (not query or query[0][0] == "db") and bool(_WHOLE.fullmatch(database))
    path = parts.path.removeprefix("/")
    usable_path = not path or bool(_WHOLE.fullmatch(path))
    return parts.scheme in ("redis", "rediss") and bool(host) and port != 0 and usable_path and not query


def _web_url(variable: Variable, text: str, shown_name: str) -> str:
    url = text.strip()
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    # urlsplit drops line ends and tabs in silence, and a path may legally hold an @.
    if not usable or not url.isprintable() or any(char in url for char in " \\?#") or "@" in parts.netloc:
        raise unusable(variable, url, shown_name)
    return url


def _web_urls(variable: Variable, text: str, shown_name: str) -> tuple[str, ...]:
    """Each address once, in the order given, without a slash at its end."""
    if not text.replace("\n", " ").replace("\t", " ").isprintable():
        raise unusable(variable, "", shown_name)
    given = [one for one in re.split(r"[,\s]+", text) if one]
    found = tuple(dict.fromkeys(_web_url(variable, one, shown_name).rstrip("/") for one in given))
    if not 1 <= len(found) <= MOST_SERVICES:
        raise SettingsError(shown_name, f"{len(found)} addresses", variable.accepted)
    return found


_PARSERS: dict[Kind, Callable[[Variable, str, str], object]] = {
    Kind.REDIS_URL: _redis_url,
    Kind.WEB_URL: _web_url,
    Kind.WEB_URLS: _web_urls,
    Kind.HOST: _host,
    Kind.HOSTS: _hosts,
    Kind.TEXT: _text,
    Kind.PREFIX: _prefix,
    Kind.WHOLE: _whole,
    Kind.PERCENT: _percent,
    Kind.SWITCH: _switch,
    Kind.DELIVERY: _delivery,
    Kind.PASSWORD: _password,
    Kind.TOKEN: _token,
    Kind.PASSWORD_FILE: _password_file,
    Kind.TOKEN_FILE: _token_file,
    Kind.PATH: _path,
    Kind.PROFILE: _text,
}
