"""What is pasted may be anything that a stranger wrote (I9)."""

from __future__ import annotations


def pasted(text: str) -> str:
    """What a field takes of a pasted text: without what commands a terminal or turns the writing round."""
    return "".join(char for char in text.expandtabs(1) if char.isprintable() or char == "\n")
