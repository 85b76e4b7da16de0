"""Secrets out of text that came from Matomo or speaks of a request to it (I10)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import unquote

MASK = "•••"
_SHORTEST = 3
"""Characters. A shorter secret would blank out ordinary words and is no secret."""
_VALUE = r"""[^\s"'<>&\\,;{}()%]+"""
_NAMED = re.compile(
    rf"""((?:token_auth|tokenAuth|access_token|passwor[dt])(?:\\?["'])?\s*(?:=|:|%3D|%3A|%253D|&\#61;)\s*(?:\\?["'])?
        |authorization(?:\\?["'])?\s*:\s*(?:\\?["'])?(?:bearer|basic)\s+){_VALUE}""",
    re.IGNORECASE | re.VERBOSE,
)


def mask(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret replaced, however it is encoded, and every value that is named like one.

    Args:
        text: anything; mask it before it is cut, or half a secret may be left.
        secrets: the secrets themselves.
    """
    for pattern in _patterns(tuple(secrets)):
        text = pattern.sub(MASK, text)
    return _NAMED.sub(lambda found: found[1] + MASK, text)


def begun(text: str, secrets: Iterable[str]) -> int:
    """How many characters at the end of the text one of the secrets may begin with. What belongs to a whole secret is
    no beginning of another, for it is masked with that."""
    known = tuple(secrets)
    whole = max((found.end() for pattern in _patterns(known) for found in pattern.finditer(text)), default=0)
    rest = text[whole:]
    beginnings = (secret[:length] for secret in known for length in range(1, min(len(secret), len(rest) + 1)))
    return max((len(one) for one in beginnings if rest[-len(one) :].lower() == one.lower()), default=0)


@lru_cache(maxsize=32)
def _patterns(secrets: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    """The longest secret first, so that one that holds another goes as a whole."""
    forms = {form for secret in secrets for form in (secret, unquote(secret)) if len(form) >= _SHORTEST}
    return tuple(_any_encoding(form) for form in sorted(forms, key=len, reverse=True))


def _any_encoding(secret: str) -> re.Pattern[str]:
    """The secret with each of its characters plain, percent-encoded, or as HTML or JSON escape it.

    Case is ignored: some servers echo in capitals.
    """
    return re.compile("".join(_any_form(char) for char in secret), re.IGNORECASE)


def _any_form(char: str) -> str:
    # It brings the table of all of HTML's names, and most runs have no secret to look for yet.
    from html import escape

    octets = char.encode("utf-8", "surrogatepass")
    forms = [
        # JSON escapes some characters by backslashes; JSON inside JSON by more of them.
        rf"\\*{re.escape(char)}",
        rf"\\+u{ord(char):04x}",
        "".join(f"%(?:25)*{octet:02x}" for octet in octets),
        f"&(?:amp;)?\\#0*{ord(char)};",
        f"&(?:amp;)?\\#x0*{ord(char):x};",
    ]
    if (named := escape(char)) != char:
        forms.append(re.escape(named))
    if char == " ":
        forms.append(r"\+")
    return f"(?:{'|'.join(forms)})"
