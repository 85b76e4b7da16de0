"""Whether a terminal can show the dashboard. Imports nothing, so that a command can ask before it loads the screen."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

INSTEAD = "Use `opalmind-tui status` instead"
_DUMB = ("", "dumb", "unknown")


def why_no_dashboard(environment: Mapping[str, str] | None = None) -> str:
    """Why the dashboard cannot be opened here, with what to use instead; empty if it can.

    Args:
        environment: where TERM is looked up; the process's own if left out.
    """
    term = (os.environ if environment is None else environment).get("TERM", "")
    if term in _DUMB:
        return f"TERM={term or '(not set)'}: this terminal cannot place text. {INSTEAD}."
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return f"The dashboard needs a terminal. {INSTEAD}."
    if not sys.stderr.isatty():
        return "The dashboard draws on stderr: do not redirect that."
    return ""
