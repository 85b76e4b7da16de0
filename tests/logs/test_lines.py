"""Log lines in both forms: no secret and no visitor in any of them, whatever the message or the exception holds."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from opalmind_tui.logs.lines import FORMS, Lines
from opalmind_tui.logs.privacy import cleaner
from opalmind_tui.settings import Settings

TOKEN = "0123456789abcdef0123456789abcdef"
PASSWORD = "p@ss/w0rd%"
SETTINGS = Settings(
    redis_url="redis://:p%40ss%2Fw0rd%25@10.1.2.3:6379/0",
    matomo_token=TOKEN,
    matomo_base_url="https://192.0.2.7/matomo",
)
PRIVATE = (
    TOKEN, TOKEN.upper(), PASSWORD, "p%40ss%2Fw0rd%25", "203.0.113.9", "2001:db8::1:2", "::ffff:203.0.113.9",
    "kim@example.org", "kim%40example.org", "user-4711", "0a1b2c3d4e5f6789",
)  # fmt: skip
SENTENCES = (
    "posted token_auth={0} to https://matomo.example.org/?cip={4}&uid={9}&_id={10}&cid={10}",
    "{0} {1} {2} {3}",
    "a client at {4}:51234, [{5}]:443 and {6}; {5}: gone, ip:{5}",
    '{{"userId": "{9}", "visitorId":"{10}", "user_id":"{9}", "email":"{7}"}}',
    "REDIS_URL=redis://:{3}@10.1.2.3:6379/0 mail {7} or {8}, user_id = {9}, clientIp: {4}",
)


@pytest.fixture
def log() -> Iterator[tuple[logging.Logger, dict[str, io.StringIO]]]:
    logger = logging.getLogger("opalmind_tui.of.a.test")
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    streams: dict[str, io.StringIO] = {}
    for form in FORMS:
        handler = logging.StreamHandler(streams.setdefault(form, io.StringIO()))
        handler.setFormatter(Lines(cleaner(SETTINGS), form))
        logger.addHandler(handler)
    yield logger, streams
    logger.handlers.clear()


class Inner(Exception):
    """Speaks of private things."""


def no_secret(text: str) -> None:
    for secret in PRIVATE:
        assert secret.lower() not in text.lower(), (secret, text)
        assert json.dumps(secret)[1:-1].lower() not in text.lower()


def test_no_form_of_a_line_holds_what_is_private(log: tuple[logging.Logger, dict[str, io.StringIO]]) -> None:
    logger, streams = log
    for sentence in SENTENCES:
        told = sentence.format(*PRIVATE)
        logger.info(told.replace("%", "%%"))
        logger.warning("%s and %r", told, {"told": told})
        try:
            try:
                raise Inner(told)
            except Inner as error:
                raise ValueError(told, PRIVATE[9:]) from error
        except ValueError:
            logger.exception("while %s", told, stack_info=False)
    text, lines = streams["text"].getvalue(), streams["json"].getvalue()
    for found in (text, *[str(json.loads(line)) for line in lines.splitlines()]):
        for secret in PRIVATE[:9]:
            assert secret.lower() not in found.lower(), (secret, found)
    assert "Traceback" in text
    assert {"time", "level", "logger", "message", "exception"} == set(json.loads(lines.splitlines()[2]))


def test_user_ids_are_masked_where_they_are_named() -> None:
    clean = cleaner(SETTINGS)
    for sentence in (SENTENCES[0], SENTENCES[3], SENTENCES[4]):
        no_secret(clean(sentence.format(*PRIVATE)))


def test_what_an_operator_needs_stays() -> None:
    clean = cleaner(SETTINGS)
    for text in (
        "Redis at 10.1.2.3:6379 refuses connections; 127.0.0.1, ::1 and 0.0.0.0 as well",
        "Matomo at https://192.0.2.7/matomo/matomo.php is closed: breaker: 503 at 02:31:07, 12:30",
        "valkey 9.1.0 on Python 3.11.7, id 3fA0k2Jd91LmQz, 1.2.3.4.5, 999.1.1.1, key pv-1, site 3",
    ):
        assert clean(text) == text


def test_every_server_of_the_settings_stays() -> None:
    nodes = (("198.51.100.1", 7000), ("2001:db8::7", 7001))
    clean = cleaner(Settings(sentinels=nodes[:1], cluster_nodes=nodes[1:], api_urls=("https://198.51.100.3:3000",)))
    told = "198.51.100.1:7000, 2001:db8::7 and https://198.51.100.3:3000"
    assert clean(told + " 198.51.100.9") == told + " •••"


def test_a_line_of_json_is_a_line(log: tuple[logging.Logger, dict[str, io.StringIO]]) -> None:
    logger, streams = log
    logger.error("two\nlines \x1b[2J \ud800 %s", "\u2028")
    (line,) = streams["json"].getvalue().splitlines()
    told = json.loads(line)
    assert (told["level"], told["logger"]) == ("error", "opalmind_tui.of.a.test")
    assert told["message"] == "two\nlines \x1b[2J \ud800 \u2028"
    assert line.isascii()
    assert line.isprintable()


def test_arguments_that_do_not_fit_lose_no_line(log: tuple[logging.Logger, dict[str, io.StringIO]]) -> None:
    logger, streams = log
    values: tuple[Any, ...] = (1, 2)
    logger.info("one %d", *values)
    assert "one %d (its arguments do not fit)" in streams["text"].getvalue()
    assert sys.exc_info() == (None, None, None)
