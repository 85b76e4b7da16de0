"""The two ways out of a command: `answer` on stdout, `say` on stderr. Both make foreign text safe (I9)."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from opalmind_tui.errors import OpalmindError
from opalmind_tui.logs.privacy import cleaner
from opalmind_tui.text import safe_block


class AnswerLost(OpalmindError):
    """The answer could not be written, as on a full disk."""


def answer(text: str) -> bool:
    """Write a part of the answer. Whoever has stopped reading, or closed stdout, gets none; the exit code says it all.

    Returns false where nobody reads: what goes on without end then ends.

    Raises `AnswerLost` when stdout is there and cannot take it.
    """
    try:
        return _write(sys.stdout, text)
    except OSError as error:
        _silence(sys.stdout)
        raise AnswerLost(f"The answer cannot be written: {error.strerror}") from None


def answer_raw(data: bytes) -> bool:
    """Write a part of the answer byte for byte, for a file or a pipe: never for a terminal. False: nobody reads.

    Raises `AnswerLost` as `answer` does.
    """
    if sys.stdout is None:
        return False
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        _silence(sys.stdout)
        return False
    except OSError as error:
        _silence(sys.stdout)
        raise AnswerLost(f"The answer cannot be written: {error.strerror}") from None
    return True


def say(text: str) -> None:
    """Tell the operator something that is not the answer. Where nobody listens it is not told."""
    try:
        _write(sys.stderr, text)
    except OSError:
        _silence(sys.stderr)


def typed(text: str) -> str:
    """What somebody typed, as a message may repeat it: as in a log line, which stderr often becomes (I10)."""
    return cleaner()(text)


def prepare() -> None:
    """Let no character stop the output, whatever the encoding of the terminal is."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _write(stream: TextIO | None, text: str) -> bool:
    if stream is None:
        return False
    try:
        stream.write(safe_block(text) + "\n")
        stream.flush()
    except BrokenPipeError:
        _silence(stream)
        return False
    return True


def _silence(stream: TextIO) -> None:
    """Send the rest to nowhere, or Python would fail again when it flushes at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
