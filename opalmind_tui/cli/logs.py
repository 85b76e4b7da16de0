"""What the engine tells by the standard logging module, on stderr and safe to read."""

from __future__ import annotations

import logging
import time

from opalmind_tui.cli.output import say


class SayHandler(logging.Handler):
    """One line for each event, as `say` writes it."""

    def emit(self, record: logging.LogRecord) -> None:
        say(self.format(record))


def log_to_stderr(level: int = logging.WARNING, *, stamped: bool = False) -> None:
    """Log our own events from this level on, and warnings of others.

    Args:
        stamped: with the time (UTC), for what runs long.
    """
    handler = SayHandler()
    formatter = logging.Formatter(
        "%(asctime)s %(levelname)s %(message)s" if stamped else "%(message)s", "%Y-%m-%dT%H:%M:%SZ"
    )
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("opalmind_tui").setLevel(level)
