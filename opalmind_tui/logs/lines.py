"""The two forms of a log line, both without secrets and personal data."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable

FORMS = ("text", "json")
LEVELS = ("debug", "info", "warning", "error")
_STAMP = "%Y-%m-%dT%H:%M:%S"


class Lines(logging.Formatter):
    """Formats and masks. What is masked is the finished text: of an exception, too.

    Args:
        clean: masks.
        form: ``text``, or ``json`` for an object on each line.
        stamped: whether a text line begins with time (UTC) and level.
    """

    def __init__(self, clean: Callable[[str], str], form: str = "text", *, stamped: bool = True) -> None:
        super().__init__()
        self._clean, self._form, self._stamped = clean, form, stamped

    def format(self, record: logging.LogRecord) -> str:
        """The line; an exception follows it, in JSON as a field of its own."""
        message = self._clean(_message(record))
        exception = self._clean(self.formatException(record.exc_info)) if record.exc_info else ""
        stamp = f"{time.strftime(_STAMP, time.gmtime(record.created))}"
        if self._form == "json":
            told = {
                "time": f"{stamp}.{int(record.msecs):03d}Z",
                "level": record.levelname.lower(),
                "logger": record.name,
                "message": message,
            }
            return json.dumps(told | ({"exception": exception} if exception else {}))
        head = f"{stamp}Z {record.levelname} " if self._stamped else ""
        return f"{head}{message}" + (f"\n{exception}" if exception else "")


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        # A line whose arguments do not fit must not be lost, nor end the process that tells it.
        return f"{record.msg} (its arguments do not fit)"
