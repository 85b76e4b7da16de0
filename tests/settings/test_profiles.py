"""The operator's file: profiles of settings, and what is refused in it, by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from opalmind_tui.errors import SettingsError
from opalmind_tui.settings import load_settings
from opalmind_tui.settings.config_file import MAX_FILE, read_config
from opalmind_tui.settings.profiles import NAMES, read_profile
from opalmind_tui.settings.ui import Ui, read_ui
from tests.make_readme import EXAMPLE


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the file is looked for in."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "opalmind-tui").mkdir()
    return tmp_path / "opalmind-tui" / "config.toml"


PRODUCTION = """
[profiles.production]
REDIS_HOST = "db.internal"
REDIS_PORT = 6380
REDIS_TLS = true
MATOMO_CACHE_WARN_HIT_RATE = 7.5
OPALMIND_API_URLS = ["http://a:1", "http://b:2"]
[profiles.staging]
OPALMIND_ENV = "stage"
"""


def test_an_option_beats_the_environment_that_the_profile_and_that_the_default(home: Path) -> None:
    home.write_text(PRODUCTION)
    settings = load_settings(
        {"OPALMIND_PROFILE": "staging", "REDIS_PORT": "1", "REDIS_DB": "2"},
        {"OPALMIND_PROFILE": "production", "REDIS_DB": "3"},
    )
    assert (settings.redis_host, settings.redis_port, settings.redis_db) == ("db.internal", 1, 3)
    assert settings.redis_tls is True
    assert settings.cache_warn_hit_rate == 7.5
    assert settings.api_urls == ("http://a:1", "http://b:2")
    assert dict(settings.origins) == {
        "OPALMIND_PROFILE": "option", "REDIS_PORT": "environment", "REDIS_DB": "option",
        **dict.fromkeys(("REDIS_HOST", "REDIS_TLS", "MATOMO_CACHE_WARN_HIT_RATE", "OPALMIND_API_URLS", "OPALMIND_ENV"),
                        "profile production"),
    }  # fmt: skip
    assert settings.notes[0] == "REDIS_PORT: that of the environment counts, not that of profile production"


def test_the_environment_is_called_like_the_profile_unless_that_says_otherwise(home: Path) -> None:
    home.write_text(PRODUCTION)
    assert load_settings({"OPALMIND_PROFILE": "production"}).environment == "production"
    assert load_settings({"OPALMIND_PROFILE": "staging"}).environment == "stage"
    assert load_settings({"OPALMIND_PROFILE": "staging", "OPALMIND_ENV": "x"}).environment == "x"


def test_without_a_profile_the_file_is_not_even_read(home: Path) -> None:
    home.write_text("[[[")
    assert load_settings({}).profile == ""
    with pytest.raises(SettingsError, match=r"config\.toml.*line 1"):
        load_settings({"OPALMIND_PROFILE": "production"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[profiles.other]", r'OPALMIND_PROFILE: cannot use "p"; .*config\.toml: other'),
        ("", "which has none"),
        ('[profiles.p]\nREDIS_HSOT = "a"', r"line 2, profiles\.p\.REDIS_HSOT: .*unknown setting.* REDIS_HOST, perhaps"),
        ('profiles.p.REDIS_HSOT = "a"', "line 1, "),
        ('# REDIS_PORT\n[profiles.p]\n\nREDIS_PORT = "x"', r'line 4, .*REDIS_PORT: cannot use "x"'),
        ("[profiles.p]\nREDIS_PORT = 1979-05-27", r"line 2, .*cannot use 1979-05-27; accepted: text, a number"),
        ('[profiles.p]\nMATOMO_TOKEN = "SECRET"', r"line 2, .*a secret in this file; accepted: MATOMO_TOKEN_FILE"),
        ('[profiles.p]\nREDIS_URL = "redis://:SECRET@h"', "line 2, .*an address without a password"),
        ('[profiles.p]\nOPALMIND_PROFILE = "q"', "unknown setting"),
        ("profiles = 3", r"line 1, profiles: cannot use 3; accepted: a table"),
        ("[profiles]\np = 3", r"line 2, profiles\.p: cannot use 3"),
        ('[profiles.p]\nREDIS_HOST = "a"\n[profles.q]', r"line 3, profles: .*unknown table; .*profiles, perhaps"),
        ('[profiles.p]\nREDIS_HOST = "a\x1b[31m"', "TOML"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named_with_its_line(home: Path, text: str, said: str) -> None:
    home.write_text(text)
    with pytest.raises(SettingsError, match=said) as caught:
        load_settings({"OPALMIND_PROFILE": "p"})
    assert "SECRET" not in str(caught.value)
    assert str(caught.value).isprintable()


def test_files_that_are_none(home: Path) -> None:
    home.write_bytes(b"\xff")
    with pytest.raises(SettingsError, match="UTF-8"):
        read_config()
    home.write_text("#" * (MAX_FILE + 1))
    with pytest.raises(SettingsError, match="bytes"):
        read_config()
    for text in ("[[[", "a = " + "1" * 5_000, "a = " + "[" * 20_000):
        home.write_text(text)
        with pytest.raises(SettingsError, match="TOML"):
            read_config()
    home.unlink()
    assert not read_config().tables
    home.mkdir()
    with pytest.raises(SettingsError, match="regular file"):
        read_config()


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o644, False), (0o664, True), (0o602, True)])
def test_a_file_that_others_may_write_is_reported(home: Path, mode: int, warned: bool) -> None:
    home.write_text(PRODUCTION)
    home.chmod(mode)
    notes = load_settings({"OPALMIND_PROFILE": "staging"}).notes
    assert any(f"mode {mode:o}" in note for note in notes) is warned


def test_the_look_is_read_and_checked(home: Path) -> None:
    home.write_text('[ui]\ntheme = "contrast"\nbell = true\n')
    assert read_ui(read_config()) == Ui(theme="contrast", bell=True)
    for text, said in (
        ("colour = 1", r"line 2, ui\.colour"),
        ('bell = "yes"', 'cannot use "yes"; accepted: true, false'),
        ('time = "CET"', '"utc", "local"'),
    ):
        home.write_text(f"[ui]\n{text}\n")
        with pytest.raises(SettingsError, match=said):
            read_ui(read_config())


def test_the_example_can_be_used_and_sets_what_it_says() -> None:
    config = read_config(EXAMPLE)
    assert read_ui(config) == Ui()
    for name in ("staging", "production"):
        assert set(read_profile(config, name).texts) <= set(NAMES)
