"""What a dashboard that a command opens keeps of what it sees."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from opalmind_tui import __version__
from opalmind_tui.cli.output import say
from opalmind_tui.matomo.masking import mask
from opalmind_tui.recording.recorder import Recorder
from opalmind_tui.settings import Settings


@contextmanager
def recorder(path: str | None, settings: Settings | None = None) -> Iterator[Recorder]:
    """Keeps the last minutes; writes everything to a new file where there is a path. Raises `CannotRecord`."""
    secrets = settings.secrets() if settings is not None else ()
    kept = Recorder(__version__, lambda text: mask(text, secrets), None if path is None else Path(path), time.time())
    try:
        yield kept
    finally:
        kept.end()
        if kept.trouble:
            say(f"opalmind-tui: {kept.trouble}")
