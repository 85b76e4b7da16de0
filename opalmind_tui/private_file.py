"""New files that only their owner can read (I10)."""

from __future__ import annotations

import os
from pathlib import Path


def create(path: str | Path) -> int:
    """Descriptor of a new file to write to: never over a file that is there, nor through a link that somebody laid.

    Raises `OSError`.
    """
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
