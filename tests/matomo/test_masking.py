"""Secrets leave no trace in text, however they are written (I10)."""

from __future__ import annotations

import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalmind_tui.matomo.masking import MASK, mask

TOKEN = "0123456789abcdef0123456789abcdef"
ODD = 'p&"ä/w <d'


def percent(text: str) -> str:
    return "".join(f"%{octet:02X}" for octet in text.encode())


@pytest.mark.parametrize(
    "spell",
    [
        str,
        quote,
        quote_plus,
        percent,
        html.escape,
        json.dumps,
        str.upper,
        lambda text: quote(quote(text)),
        lambda text: json.dumps(json.dumps(text)),
        lambda text: json.dumps(text).replace("/", "\\/"),
        lambda text: "".join(f"&#{ord(char)};" for char in text),
        lambda text: "".join(f"&#x{ord(char):X};" for char in text),
    ],
)
@pytest.mark.parametrize("secret", [TOKEN, ODD])
def test_a_secret_in_any_spelling(secret: str, spell) -> None:
    text = f"before {spell(secret)} after"
    masked = mask(text, [secret])
    assert MASK in masked, masked
    assert masked.startswith("before ")
    assert masked.endswith(" after")
    for part in (secret, quote(secret), percent(secret), html.escape(secret)):
        assert part not in masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("x?token_auth=deadbeef&b=1", f"x?token_auth={MASK}&b=1"),
        ("x%3Ftoken_auth%3Ddeadbeef%26b", f"x%3Ftoken_auth%3D{MASK}%26b"),
        ('{"token_auth":"deadbeef","a":1}', f'{{"token_auth":"{MASK}","a":1}}'),
        ('"{\\"token_auth\\": \\"deadbeef\\"}"', f'"{{\\"token_auth\\": \\"{MASK}\\"}}"'),
        ("token_auth = 'deadbeef' was not valid", f"token_auth = '{MASK}' was not valid"),
        ("Authorization: Bearer dead.beef", f"Authorization: Bearer {MASK}"),
        ("database password wrong", "database password wrong"),
        ("no token at all", "no token at all"),
    ],
)
def test_what_is_named_like_a_secret(text: str, masked: str) -> None:
    assert mask(text, []) == masked


@given(st.text(), st.text(min_size=3, max_size=12))
def test_the_secret_itself_never_survives(text: str, secret: str) -> None:
    assert secret not in mask(f"{text}{secret}{text}", [secret]).replace(MASK, "\0") or secret in "\0"


def test_of_two_secrets_the_longer_goes_first() -> None:
    assert mask("abcdef abc", ["abc", "abcdef"]) == f"{MASK} {MASK}"
