"""Where a command's log lines go: to stderr, safe to read, and from a dashboard to its own file, too."""

from __future__ import annotations

import logging

from opalmind_tui.cli.output import say
from opalmind_tui.logs.lines import Lines
from opalmind_tui.logs.privacy import cleaner
from opalmind_tui.settings import Settings


class SayHandler(logging.Handler):
    """One line for each event, as `say` writes it."""

    def emit(self, record: logging.LogRecord) -> None:
        say(self.format(record))


def log_to_stderr(
    level: int = logging.WARNING, *, stamped: bool = False, form: str = "text", settings: Settings | None = None
) -> None:
    """Log our own events from this level on, and warnings of others.

    Args:
        stamped: with the time (UTC), for what runs long.
        form: ``text`` or ``json``.
        settings: whose secrets are masked; None before they were read.
    """
    handler = SayHandler(level)
    handler.setFormatter(Lines(cleaner(settings), form, stamped=stamped))
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)
    logging.getLogger("opalmind_tui").setLevel(level)


def log_to_file(settings: Settings | None = None) -> None:
    """Log to the dashboard's own file, too; not read-only (ruling 8), nor where there can be none."""
    log_to_stderr(settings=settings)
    if settings is not None and settings.read_only:
        return
    from opalmind_tui.logs.file import LogFile, log_path

    try:
        handler = LogFile(log_path())
    except OSError as error:
        say(f"opalmind-tui: no log is kept: {error.strerror}")
        return
    handler.setFormatter(Lines(cleaner(settings)))
    logging.getLogger().addHandler(handler)
    logging.getLogger("opalmind_tui").setLevel(logging.INFO)
