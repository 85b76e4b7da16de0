"""The terminal's clipboard (OSC 52), through tmux and screen as well. Pure.

tmux passes on what is wrapped for it where ``allow-passthrough`` is on, and takes the plain sequence where
``set-clipboard`` is on: it gets both. screen passes on what is wrapped in pieces that its buffer holds. No terminal
answers: whether the text arrived cannot be told.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping

MOST = 74_000
"""Bytes of text that are sent; terminals drop longer ones (100,000 characters of base64 in many of them)."""
_PIECE = 500
_ESC, _ST = "\x1b", "\x1b\\"


def sequence(text: str, environment: Mapping[str, str]) -> str:
    """What to write to the terminal; empty where the text is too long.

    Args:
        environment: ``TMUX``, ``STY`` and ``TERM`` tell what stands between us and the terminal.
    """
    data = text.encode("utf-8", "replace")
    if len(data) > MOST:
        return ""
    plain = f"{_ESC}]52;c;{b64encode(data).decode('ascii')}\a"
    if environment.get("TMUX"):
        return f"{plain}{_ESC}Ptmux;{plain.replace(_ESC, _ESC + _ESC)}{_ST}"
    if environment.get("STY") or environment.get("TERM", "").startswith("screen"):
        pieces = (plain[at : at + _PIECE] for at in range(0, len(plain), _PIECE))
        return "".join(f"{_ESC}P{piece}{_ST}" for piece in pieces)
    return plain
