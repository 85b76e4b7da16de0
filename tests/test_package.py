"""What is built and what is said about it: metadata, entry points, README, changelog."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import opalmind_tui
from opalmind_tui.settings.table import settings_table_markdown

TOP = Path(__file__).parent.parent
README = (TOP / "README.md").read_text("utf-8")
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))


def test_one_version() -> None:
    assert PROJECT["project"]["version"] == opalmind_tui.__version__


@pytest.mark.parametrize("module", ["opalmind_tui", "opalmind_tui.cli.main"])
def test_the_program_says_its_version(module: str) -> None:
    command = [sys.executable, "-m", "opalmind_tui", "--version"]
    if module != "opalmind_tui":
        command = [sys.executable, "-c", f"from {module} import main; main()", "--version"]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert opalmind_tui.__version__ in shown


def test_the_readme_holds_the_lines_that_are_proved() -> None:
    assert "pip install . && opalmind-tui demo" in README
    assert "pip install -e '.[dev]' && pytest -n auto" in README
    assert "pip install -e '.[dev]' && pytest -n auto" in (TOP / ".ci" / "run").read_text("utf-8")


def test_the_readme_holds_the_table_of_settings() -> None:
    assert settings_table_markdown() in README


def test_every_picture_of_the_readme_exists() -> None:
    pictures = [part.partition(")")[0] for part in README.split("](screenshots/")[1:]]
    assert pictures
    for name in pictures:
        assert (TOP / "screenshots" / name).is_file(), name


def test_the_type_marker_ships() -> None:
    assert (TOP / "opalmind_tui" / "py.typed").is_file()
    assert PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["opalmind_tui"]
