"""Every variable, good and bad; what contradicts; what stays hidden."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalmind_tui.errors import SettingsError
from opalmind_tui.settings import VARIABLES, Settings, load_settings
from opalmind_tui.settings.table import Kind
from opalmind_tui.text import safe_text

GOOD: list[tuple[str, str, str, object]] = [
    ("REDIS_URL", "redis://db.internal:6380/2", "redis_url", "redis://db.internal:6380/2"),
    ("REDIS_URL", "rediss://user:p%40ss@db:6379", "redis_url", "rediss://user:p%40ss@db:6379"),
    ("REDIS_URL", "redis://:p@ss@db", "redis_url", "redis://:p@ss@db"),
    ("REDIS_URL", "redis://[::1]:6379/0", "redis_url", "redis://[::1]:6379/0"),
    ("REDIS_URL", "unix:///run/redis.sock?db=3", "redis_url", "unix:///run/redis.sock?db=3"),
    ("REDIS_URL", " unix:///run/redis.sock ", "redis_url", "unix:///run/redis.sock"),
    ("REDIS_HOST", " db.internal ", "redis_host", "db.internal"),
    ("REDIS_HOST", "::1", "redis_host", "::1"),
    ("REDIS_PORT", " 6380 ", "redis_port", 6380),
    ("REDIS_PORT", "006380", "redis_port", 6380),
    ("REDIS_USERNAME", "opalmind", "redis_username", "opalmind"),
    ("REDIS_PASSWORD", " kept as it is ", "redis_password", " kept as it is "),
    ("REDIS_DB", "0", "redis_db", 0),
    ("REDIS_TLS", "TRUE", "redis_tls", True),
    ("REDIS_TLS", " off ", "redis_tls", False),
    ("REDIS_CLUSTER", "yes", "redis_cluster", True),
    ("REDIS_NODES", "a:1,b:2", "cluster_nodes", (("a", 1), ("b", 2))),
    ("REDIS_SENTINELS", "db1:26379, [::1]:1,db1:26379", "sentinels", (("db1", 26379), ("::1", 1))),
    ("REDIS_SENTINEL_MASTER", "shop", "sentinel_master", "shop"),
    ("REDIS_SENTINEL_USERNAME", "watcher", "sentinel_username", "watcher"),
    ("REDIS_SENTINEL_PASSWORD", " pw ", "sentinel_password", " pw "),
    ("REDIS_IDEMPOTENCY_TTL", "1", "idempotency_ttl_s", 1),
    ("REDIS_IDEMPOTENCY_PREFIX", "shop:idem:", "idempotency_prefix", "shop:idem:"),
    ("REDIS_CACHE_PREFIX", "shop*[x]:cache:", "cache_prefix", "shop*[x]:cache:"),
    ("REDIS_QUEUE_PREFIX", "{shop}:queue:", "queue_prefix", "{shop}:queue:"),
    ("REDIS_STATS_PREFIX", "shop:stats:", "stats_prefix", "shop:stats:"),
    ("CACHE_TTL_MS", "1500", "cache_ttl_ms", 1500),
    ("MATOMO_BASE_URL", "https://matomo.example.org/m/", "matomo_base_url", "https://matomo.example.org/m/"),
    ("MATOMO_BASE_URL", "http://127.0.0.1:8080/@x", "matomo_base_url", "http://127.0.0.1:8080/@x"),
    ("MATOMO_TOKEN", "0123456789abcdef", "matomo_token", "0123456789abcdef"),
    ("MATOMO_DEFAULT_SITE_ID", "7", "matomo_default_site_id", 7),
    ("MATOMO_DELIVERY", "exact", "exact", True),
    ("MATOMO_RESEND_UNKNOWN", "no", "resend_unknown", False),
    ("MATOMO_QUEUE_MAX_LENGTH", "0", "queue_max_length", 0),
    ("MATOMO_QUEUE_MAX_MEMORY_MB", "512", "queue_max_memory_mb", 512),
    ("MATOMO_QUEUE_WARN_PENDING", "2", "queue_warn_pending", 2),
    ("MATOMO_QUEUE_FAIL_PENDING", "40", "queue_fail_pending", 40),
    ("MATOMO_QUEUE_WARN_AGE_MS", "1000", "queue_warn_age_ms", 1000),
    ("MATOMO_QUEUE_FAIL_AGE_MS", "300000", "queue_fail_age_ms", 300_000),
    ("MATOMO_CACHE_WARN_HIT_RATE", "90.5", "cache_warn_hit_rate", 90.5),
    ("MATOMO_CACHE_FAIL_HIT_RATE", "0", "cache_fail_hit_rate", 0.0),
    ("MATOMO_CACHE_SAMPLE_SIZE", "2", "cache_sample_size", 2),
    ("OPALMIND_API_URLS", " https://a/x/, http://b:3000\nhttps://a/x ", "api_urls", ("https://a/x", "http://b:3000")),
    ("OPAL_BEARER_TOKEN", "0123456789abcdef", "bearer_token", "0123456789abcdef"),
    ("OPALMIND_ENV", "PRODUCTION", "environment", "PRODUCTION"),
    ("OPALMIND_READ_ONLY", "1", "read_only", True),
    ("OPALMIND_OPERATOR", "Zoë", "operator", "Zoë"),
    ("OPALMIND_TYPE_ABOVE", "0", "type_above", 0),
]

UNUSUAL_NUMBERS = ("x", " ", "-1", "+1", "1.5", "1e3", "0x10", "1_000", "NaN", "inf", "١", "9" * 400, "1\n2", "5 5")
BAD_URLS = (
    "localhost", "localhost:6379", "http://h", "redis://", "redis:///0", "redis://h/abc", "redis://h:0", "redis://h:99999",
    "redis://h:x", "redis://h/0?password=SECRET", "redis://h?db=1", "redis://h/0#f", "redis://h\n/0", "redis://h h",
    "unix://", "unix:///", "unix:///s?db=x", "unix:///s?db=1&db=2", "unix:///s?timeout=1", "unix://host/s",
    "redis://user:SECRET/x@h", "redis://:a@SECRET@h/x", "SECRET@h", ":SECRET@h:6379", "redis://[::1", "redis://h\\x",
)  # fmt: skip
BAD_WEB_URLS = (
    "matomo.example.org", "ftp://h", "https://", "https://user:SECRET@h", "https://user@h", "https://h:0",
    "https://h:x", "https://h/?token_auth=SECRET", "https://h/#SECRET", "https://h\n", "https://h/\x1b[31m",
    "https://h h", "set-me", "https://h/\t", "https:\\\\h", "https://[::1", "javascript:alert(1)",
)  # fmt: skip
BAD_OF_KIND: dict[Kind, tuple[str, ...]] = {
    Kind.REDIS_URL: BAD_URLS,
    Kind.WEB_URL: tuple(text for text in BAD_WEB_URLS if text.strip() == text),
    Kind.WEB_URLS: (
        *(text for text in BAD_WEB_URLS if text.strip() == text),
        "https://a,https://user:SECRET@h",
        ",",
        " , ",
        " ".join(f"https://h{number}" for number in range(33)),
    ),
    Kind.WHOLE: UNUSUAL_NUMBERS,
    Kind.PERCENT: tuple(text for text in UNUSUAL_NUMBERS if text != "1.5"),
    Kind.SWITCH: ("2", "ja", "truee", " "),
    Kind.PREFIX: ("", " ", "a\nb", "\x1b", "x" * 201),
    Kind.TEXT: (" ", "a\x1bb", "a\u202eb", "x" * 201),
}
BAD: list[tuple[str, str]] = [
    *((variable.name, text) for variable in VARIABLES for text in BAD_OF_KIND.get(variable.kind, ())),
    ("REDIS_PORT", "0"), ("REDIS_PORT", "65536"), ("REDIS_PORT", "tcp://10.0.0.1:6379"),
    ("REDIS_HOST", "redis://:SECRET@h"), ("REDIS_HOST", "h:6379"), ("REDIS_HOST", "h/0"), ("REDIS_HOST", "SECRET@h"),
    ("REDIS_IDEMPOTENCY_TTL", "0"), ("CACHE_TTL_MS", "0"), ("MATOMO_DEFAULT_SITE_ID", "0"),
    ("MATOMO_DELIVERY", "fast"),
    ("MATOMO_CACHE_SAMPLE_SIZE", "0"), ("MATOMO_CACHE_WARN_HIT_RATE", "100.1"), ("MATOMO_CACHE_WARN_HIT_RATE", ".5"),
    ("MATOMO_TOKEN", "change-me"), ("MATOMO_TOKEN", "SET-ME"), ("MATOMO_TOKEN", "SECRET x"),
    ("MATOMO_TOKEN", "SECRET\n"), ("MATOMO_TOKEN", "SECRETÄ"), ("REDIS_PASSWORD", "SECRET\udc80"),
    ("REDIS_PASSWORD_FILE", "/nowhere/file"), ("MATOMO_TOKEN_FILE", "/nowhere/file"),
    ("REDIS_TLS_CA", "/nowhere/ca.pem"), ("REDIS_TLS_CERT", "/nowhere/c.pem"), ("REDIS_TLS_KEY", "/nowhere/k.pem"),
    *(("REDIS_SENTINELS", text) for text in ("db1", "db1:0", "db1:65536", "db1:1,", "::1:1", "[db1]:1", ":1", "a b:1",
      "u:SECRET@db1:1", "redis://db1:1", "db1:1;db2:1", "db1:1\n,db2:1")),
    ("REDIS_SENTINEL_MASTER", "shop"), ("REDIS_SENTINEL_USERNAME", "watcher"), ("REDIS_SENTINEL_PASSWORD", "SECRET"),
    ("REDIS_SENTINEL_PASSWORD_FILE", "/nowhere/file"), ("REDIS_NODES", "a"),
    ("MATOMO_TOKEN_FILE", "SECRET"), ("REDIS_PASSWORD_FILE", "/\x00"),
    ("OPALMIND_PROFILE", "nowhere"),
    ("OPAL_BEARER_TOKEN", "change-me"), ("OPAL_BEARER_TOKEN", "SECRET x"), ("OPAL_BEARER_TOKEN_FILE", "/nowhere/file"),
]  # fmt: skip


COMPANION = {
    variable.name: {"REDIS_SENTINELS": "db1:26379"}
    for variable in VARIABLES if variable.name.startswith("REDIS_SENTINEL_")
} | {"REDIS_NODES": {"REDIS_CLUSTER": "true"}}  # fmt: skip
"""What a variable means nothing without."""


@pytest.mark.parametrize(("name", "text", "field", "value"), GOOD)
def test_a_good_value_is_taken(name: str, text: str, field: str, value: object) -> None:
    settings = load_settings({name: text, **COMPANION.get(name, {})})
    assert getattr(settings, field) == value
    assert (name, "environment") in settings.origins


@pytest.mark.parametrize(("name", "text"), BAD)
def test_a_bad_value_ends_the_start_and_says_what_is_accepted(name: str, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({name: text})
    error = caught.value
    assert error.variable == name
    assert error.accepted
    assert "SECRET" not in str(error)
    assert safe_text(str(error)) == str(error)
    assert len(str(error)) < 500


def test_every_variable_has_a_good_and_a_bad_value_here() -> None:
    in_files = {variable.name for variable in VARIABLES if variable.from_file or variable.kind is Kind.PATH}
    names = {variable.name for variable in VARIABLES}
    assert {row[0] for row in GOOD} == names - in_files - {"OPALMIND_PROFILE"}
    assert {row[0] for row in BAD} == names


def test_an_empty_environment_gives_the_defaults() -> None:
    assert load_settings({}) == Settings()


@pytest.mark.parametrize("name", [variable.name for variable in VARIABLES if variable.kind is not Kind.PREFIX])
def test_an_empty_value_counts_as_unset(name: str) -> None:
    assert load_settings({name: ""}) == Settings()


def test_an_option_beats_the_environment_and_says_so() -> None:
    settings = load_settings({"REDIS_PORT": "1"}, {"REDIS_PORT": "2"})
    assert settings.redis_port == 2
    assert settings.origins == (("REDIS_PORT", "option"),)


def test_a_bad_option_is_named_as_it_was_written() -> None:
    with pytest.raises(SettingsError, match="--redis-port"):
        load_settings({}, {"REDIS_PORT": "x"})


@pytest.mark.parametrize("name", ["REDIS_PASSWORD", "MATOMO_TOKEN", "REDIS_PASWORD", "PATH"])
def test_an_option_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({}, {name: "SECRET"})
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["redis://:SECRET@h", "redis://user:SECRET@h/0", "unix://u:SECRET@/s", "rediss://a:S/E@h"]
)
def test_an_option_must_not_carry_a_password(url: str) -> None:
    with pytest.raises(SettingsError, match="REDIS_PASSWORD") as caught:
        load_settings({}, {"REDIS_URL": url})
    assert "SECRET" not in str(caught.value)
    assert "S/E" not in str(caught.value)


def test_an_option_may_name_a_user() -> None:
    settings = load_settings({"REDIS_PASSWORD": "pw"}, {"REDIS_URL": "redis://user@h:1/0"})
    assert (settings.redis_url, settings.redis_password) == ("redis://user@h:1/0", "pw")


CONTRADICTIONS: list[tuple[dict[str, str], str]] = [
    ({"REDIS_URL": "redis://:SECRET@h", "REDIS_HOST": "h"}, "REDIS_HOST"),
    ({"REDIS_URL": "redis://h", "REDIS_PORT": "1"}, "REDIS_PORT"),
    ({"REDIS_URL": "redis://h", "REDIS_DB": "1"}, "REDIS_DB"),
    ({"REDIS_URL": "redis://:SECRET@h", "REDIS_PASSWORD": "SECRET2"}, "REDIS_URL"),
    ({"REDIS_URL": "redis://user@h", "REDIS_USERNAME": "other"}, "REDIS_URL"),
    ({"REDIS_URL": "redis://:SECRET@h", "REDIS_SENTINELS": "h:1"}, "REDIS_URL"),
    ({"REDIS_HOST": "h", "REDIS_SENTINELS": "h:1"}, "REDIS_HOST"),
    ({"REDIS_PORT": "1", "REDIS_SENTINELS": "h:1"}, "REDIS_PORT"),
    ({"REDIS_SENTINEL_PASSWORD": "SECRET", "REDIS_SENTINEL_PASSWORD_FILE": "/x", "REDIS_SENTINELS": "h:1"}, "_FILE"),
    ({"REDIS_URL": "redis://h", "REDIS_TLS": "true"}, "redis://"),
    ({"REDIS_URL": "rediss://h", "REDIS_TLS": "false"}, "rediss://"),
    ({"REDIS_URL": "unix:///s", "REDIS_TLS": "true"}, "unix://"),
    ({"REDIS_URL": "unix:///s", "REDIS_CLUSTER": "true"}, "REDIS_CLUSTER"),
    ({"REDIS_URL": "redis://h/1", "REDIS_CLUSTER": "true"}, "REDIS_CLUSTER"),
    ({"REDIS_DB": "1", "REDIS_CLUSTER": "true"}, "REDIS_CLUSTER"),
    ({"REDIS_SENTINELS": "h:1", "REDIS_CLUSTER": "true"}, "only one of the two"),
    ({"REDIS_PASSWORD": "SECRET", "REDIS_PASSWORD_FILE": "/x"}, "REDIS_PASSWORD_FILE"),
    ({"MATOMO_TOKEN": "SECRET", "MATOMO_TOKEN_FILE": "/x"}, "MATOMO_TOKEN_FILE"),
    ({"OPAL_BEARER_TOKEN": "SECRET", "OPAL_BEARER_TOKEN_FILE": "/x"}, "OPAL_BEARER_TOKEN_FILE"),
    ({"REDIS_CACHE_PREFIX": "opalmind:"}, "REDIS_CACHE_PREFIX"),
    ({"REDIS_QUEUE_PREFIX": "opalmind:cache:queue:"}, "REDIS_CACHE_PREFIX"),
    ({"REDIS_QUEUE_PREFIX": "a:", "REDIS_STATS_PREFIX": "a:"}, "REDIS_STATS_PREFIX"),
]


@pytest.mark.parametrize(("environ", "named"), CONTRADICTIONS)
def test_what_contradicts_is_refused(environ: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ)
    assert named in str(caught.value)
    assert "SECRET" not in str(caught.value)


def test_tls_that_agrees_with_the_url_is_taken(tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("PEM")
    settings = load_settings({"REDIS_URL": "rediss://h", "REDIS_TLS": "yes", "REDIS_TLS_CA": str(ca)})
    assert settings.redis_tls
    assert settings.redis_tls_ca == str(ca)
    assert load_settings({"REDIS_URL": "rediss://h", "REDIS_TLS_CA": str(ca)}).redis_tls_ca == str(ca)
    with pytest.raises(SettingsError, match="REDIS_TLS_CA"):
        load_settings({"REDIS_HOST": "h", "REDIS_TLS_CA": str(ca)})
    ours = {"REDIS_TLS_CERT": str(ca), "REDIS_TLS_KEY": str(ca)}
    assert load_settings({"REDIS_SENTINELS": "h:1", "REDIS_TLS": "yes", **ours}).redis_tls_key == str(ca)
    for name in ours:
        with pytest.raises(SettingsError, match="only together with"):
            load_settings({"REDIS_URL": "rediss://h", name: str(ca)})
    with pytest.raises(SettingsError, match="REDIS_TLS_CERT"):
        load_settings({"REDIS_HOST": "h", **ours})


def test_the_password_of_the_sentinels_is_a_secret(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("s3cret\n")
    settings = load_settings({"REDIS_SENTINELS": "h:1", "REDIS_SENTINEL_PASSWORD_FILE": str(file)})
    assert settings.sentinel_password == "s3cret"
    assert settings.secrets() == ("s3cret",)
    assert "s3cret" not in repr(settings)
    assert settings.redis_configured


THRESHOLDS: list[tuple[dict[str, str], str, float, int]] = [
    ({"MATOMO_QUEUE_WARN_PENDING": "50"}, "queue_fail_pending", 50, 1),
    ({"MATOMO_QUEUE_WARN_PENDING": "50", "MATOMO_QUEUE_FAIL_PENDING": "30"}, "queue_fail_pending", 50, 1),
    ({"MATOMO_QUEUE_FAIL_PENDING": "5"}, "queue_fail_pending", 10, 1),
    ({"MATOMO_QUEUE_FAIL_PENDING": "10"}, "queue_fail_pending", 10, 0),
    ({"MATOMO_QUEUE_FAIL_AGE_MS": "100"}, "queue_fail_age_ms", 60_000, 1),
    ({"MATOMO_CACHE_WARN_HIT_RATE": "90.5", "MATOMO_CACHE_FAIL_HIT_RATE": "95"}, "cache_fail_hit_rate", 90.5, 1),
    ({"MATOMO_CACHE_WARN_HIT_RATE": "2"}, "cache_fail_hit_rate", 2, 1),
    ({"MATOMO_CACHE_WARN_HIT_RATE": "90"}, "cache_fail_hit_rate", 5, 0),
]


@pytest.mark.parametrize(("environ", "field", "value", "notes"), THRESHOLDS)
def test_a_fail_limit_follows_the_warning_limit(environ: dict[str, str], field: str, value: float, notes: int) -> None:
    settings = load_settings(environ)
    assert getattr(settings, field) == value
    assert len(settings.notes) == notes


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("REDIS_PASSWORD_FILE", "redis_password"),
        ("MATOMO_TOKEN_FILE", "matomo_token"),
        ("OPAL_BEARER_TOKEN_FILE", "bearer_token"),
    ],
)
class TestSecretFiles:
    @pytest.mark.parametrize("content", ["s3cret", "s3cret\n", "s3cret\r\n"])
    def test_one_line_end_is_dropped(self, tmp_path: Path, name: str, field: str, content: str) -> None:
        file = tmp_path / "secret"
        file.write_bytes(content.encode())
        settings = load_settings({name: str(file)})
        assert getattr(settings, field) == "s3cret"
        assert settings.origins == ((name, "file"),)

    @pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe", b"x" * 4097])
    def test_a_content_that_cannot_be_used_is_refused(
        self, tmp_path: Path, name: str, field: str, content: bytes
    ) -> None:
        file = tmp_path / "secret.txt"
        file.write_bytes(content)
        with pytest.raises(SettingsError, match=r"secret\.txt"):
            load_settings({name: str(file)})

    def test_a_folder_a_pipe_and_a_missing_file_are_refused_by_name(
        self, tmp_path: Path, name: str, field: str
    ) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        for path in (tmp_path, pipe, tmp_path / "missing"):
            with pytest.raises(SettingsError) as caught:
                load_settings({name: str(path)})
            assert path.name in str(caught.value)

    @pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
    def test_an_unreadable_file_is_refused(self, tmp_path: Path, name: str, field: str) -> None:
        file = tmp_path / "secret"
        file.write_text("x")
        file.chmod(0)
        with pytest.raises(SettingsError, match="permission"):
            load_settings({name: str(file)})


@pytest.mark.parametrize("content", ["change-me\n", "two words", "tok\nen", "tokén"])
def test_a_token_file_obeys_the_rules_of_tokens(tmp_path: Path, content: str) -> None:
    file = tmp_path / "token"
    file.write_text(content)
    with pytest.raises(SettingsError) as caught:
        load_settings({"MATOMO_TOKEN_FILE": str(file)})
    assert content.strip() not in str(caught.value)


def test_a_password_that_looks_like_a_sample_may_be_one() -> None:
    assert load_settings({"REDIS_PASSWORD": "change-me"}).redis_password == "change-me"


@given(st.sampled_from([variable.name for variable in VARIABLES]), st.text(max_size=60))
def test_any_text_gives_settings_or_an_error_that_is_safe_to_show(name: str, text: str) -> None:
    text = text.replace("\x00", "")
    refusal = refusal_of({name: text})
    if refusal is None:
        assert load_settings({name: text}).origins or not text
    else:
        assert refusal.variable == name
        assert safe_text(str(refusal)) == str(refusal)


def refusal_of(environ: dict[str, str]) -> SettingsError | None:
    try:
        load_settings(environ)
    except SettingsError as error:
        return error
    return None


@given(st.text(min_size=8, max_size=20).filter(lambda text: "\x00" not in text and text.isprintable()))
def test_a_password_in_a_url_never_shows(password: str) -> None:
    secret = f"Q{password}Q"
    for url in (f"redis://:{secret}@h/x", f"redis://u:{secret}@h:0/0", f"{secret}@h", f"http://u:{secret}@h?{secret}"):
        with pytest.raises(SettingsError) as caught:
            load_settings({"REDIS_URL": url})
        assert secret not in str(caught.value)
        if url.startswith("http"):
            with pytest.raises(SettingsError) as caught:
                load_settings({"MATOMO_BASE_URL": url})
            assert secret not in str(caught.value)
