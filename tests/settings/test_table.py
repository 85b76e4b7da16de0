"""The table of settings agrees with the model, the options and the README."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import fields
from rich.pretty import pretty_repr

from opalmind_tui.settings import VARIABLES, Settings
from opalmind_tui.settings.config_file import ConfigFile
from opalmind_tui.settings.model import UNTOLD
from opalmind_tui.settings.reading import _Given
from opalmind_tui.settings.table import Kind, option_names, settings_table_markdown

README = Path(__file__).parents[2] / "README.md"


def test_every_row_fills_a_field_of_the_settings() -> None:
    known = {field.name for field in fields(Settings)}
    assert {variable.field for variable in VARIABLES} == known - {"origins", "notes"}


def test_nothing_that_is_printed_has_a_secret() -> None:
    secrets = {variable.field for variable in VARIABLES if variable.secret or variable.from_file}
    assert secrets <= UNTOLD
    settings = Settings(**dict.fromkeys(UNTOLD, "s3cret"))
    config = ConfigFile(Path("/x"), {"profile": {"a": {"REDIS_PASSWORD": "s3cret"}}}, "s3cret")
    given = [_Given(variable, "s3cret", "environment", variable.name) for variable in VARIABLES]
    for value in (settings, config, given):
        # A crash of the dashboard shows local values as Rich prints them.
        assert "s3cret" not in repr(value) + pretty_repr(value)


def test_names_and_options_are_unique() -> None:
    names = [variable.name for variable in VARIABLES]
    options = [variable.option for variable in VARIABLES if variable.option]
    assert len(set(names)) == len(names)
    assert len(set(options)) == len(options)


def test_no_option_takes_a_secret() -> None:
    assert not [variable.name for variable in VARIABLES if variable.secret and variable.option]
    secrets = {variable.name for variable in VARIABLES if variable.secret}
    assert secrets == {"REDIS_PASSWORD", "REDIS_SENTINEL_PASSWORD", "MATOMO_TOKEN", "OPAL_BEARER_TOKEN"}


def test_options_lead_to_their_variables() -> None:
    assert option_names()["--redis-url"].name == "REDIS_URL"
    assert option_names()["--matomo-token-file"].kind is Kind.TOKEN_FILE


def test_the_defaults_are_those_of_the_issue() -> None:
    shown = {variable.name: variable.default for variable in VARIABLES}
    assert shown["REDIS_IDEMPOTENCY_TTL"] == 86_400
    assert shown["CACHE_TTL_MS"] == 60_000
    assert (shown["MATOMO_QUEUE_WARN_PENDING"], shown["MATOMO_QUEUE_FAIL_PENDING"]) == (10, 25)
    assert (shown["MATOMO_QUEUE_WARN_AGE_MS"], shown["MATOMO_QUEUE_FAIL_AGE_MS"]) == (60_000, 120_000)
    assert (shown["MATOMO_CACHE_WARN_HIT_RATE"], shown["MATOMO_CACHE_FAIL_HIT_RATE"]) == (20, 5)
    assert shown["MATOMO_CACHE_SAMPLE_SIZE"] == 20


def test_the_markdown_has_one_row_for_each_variable() -> None:
    lines = settings_table_markdown().splitlines()
    assert len(lines) == len(VARIABLES) + 2
    assert {line.count("|") for line in lines} == {6}
    assert "| `CACHE_TTL_MS` | `--cache-ttl-ms` | `60000` |" in settings_table_markdown()


@pytest.mark.skipif(not README.exists(), reason="the README is not written yet")
def test_the_readme_holds_the_table() -> None:
    assert settings_table_markdown() in README.read_text("utf-8")


def test_importing_the_settings_is_cheap() -> None:
    code = (
        "import sys, opalmind_tui.settings; "
        "heavy = ('pydantic', 'redis', 'httpx', 'textual', 'rich', 'click', 'asyncio'); "
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
