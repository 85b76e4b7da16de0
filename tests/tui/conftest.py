"""Pictures belong to one version of Textual: another one draws them a little differently."""

from __future__ import annotations

from importlib.metadata import version

import pytest

DRAWN_WITH = "8.2.8"


@pytest.fixture(autouse=True)
def _right_textual(request: pytest.FixtureRequest) -> None:
    """Refuse to compare with, or to make, pictures of another version."""
    if "snap_compare" in request.fixturenames and version("textual") != DRAWN_WITH:
        pytest.fail(
            f"The pictures were drawn with Textual {DRAWN_WITH}; install exactly that (pip install -e '.[dev]')"
        )
