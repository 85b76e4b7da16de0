"""Blocks of code and tables out of the README."""

from __future__ import annotations

import re
from pathlib import Path

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")


def block(first: str) -> str:
    """The block of code that begins with these words."""
    found = re.search(rf"```\w+\n({re.escape(first)}.*?)```", README, re.DOTALL)
    assert found is not None, first
    return found[1]


def section(title: str) -> str:
    """The text under a heading, up to the next of its rank or a higher one."""
    rank = title.split(" ")[0]
    found = re.search(rf"^{re.escape(title)}\n(.*?)(?=^#{{1,{len(rank)}}} |\Z)", README, re.DOTALL | re.MULTILINE)
    assert found is not None, title
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The rows of the table in a text, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
