"""JSON as lines that can be folded, made of the text itself: no number is ever read, so none is rounded.

The text may come in parts; what is there is shown. Where it is no JSON the rest is shown as it is.
"""

from __future__ import annotations

import re

from msgspec import Struct

_TOKEN = re.compile(
    r'[ \t\r\n]*(?:([{}\[\],:])|("(?:[^"\\]+|\\.)*+")|(-?[0-9][0-9eE.+-]*+|true|false|null)(?=[ \t\r\n,\]}]|$))',
    re.DOTALL,
)
_BLANK = re.compile(r"[ \t\r\n]*")
_UNFINISHED = re.compile(
    r'[ \t\r\n]*(?:"(?:[^"\\]+|\\.)*+\\?|[-0-9][0-9eE.+-]*|t(?:r(?:ue?)?)?|f(?:a(?:l(?:se?)?)?)?|n(?:u(?:ll?)?)?)?$',
    re.DOTALL,
)
_CLOSES = {"{": "}", "[": "]"}
_LONGEST = 1024 * 1024
"""Characters that may be one string; a longer one is shown in pieces."""
_RAW = 2_000
"""Characters of a line of what is no JSON."""
_DEEPEST = 500


class JsonLine(Struct):
    """One line.

    Args:
        depth: how deep it lies.
        name: the member's name as it is stored, with its quotes; empty where there is none.
        text: a value as it is stored, or the bracket that opens or closes.
        closes: of a line that opens: the number of the line that closes; None where that is not there (yet).
        opens: the line opens something.
        members: of what a line opens: how many there are, so far.
        raw: it is no JSON.
    """

    depth: int
    name: str
    text: str
    opens: bool = False
    closes: int | None = None
    members: int = 0
    raw: bool = False


class JsonLines:
    """Takes text part by part, and has the lines of what came so far."""

    def __init__(self) -> None:
        self.lines: list[JsonLine] = []
        self.broken = False
        """There is something that is no JSON."""
        self._rest = ""
        self._stack: list[int] = []
        self._name = self._pending = ""
        self._expects = "value"
        """``value``, ``name``, ``colon``, ``comma`` or ``nothing``; with ``end`` where a bracket may close, too."""

    def feed(self, text: str, *, last: bool) -> None:
        """The next part of the text."""
        text, at = self._rest + text, 0
        self._rest = ""
        while not self.broken:
            found = _TOKEN.match(text, at)
            # A token at the end of a part may go on in the next one.
            if found is None or (found.end() == len(text) and not last and found[3] is not None):
                break
            if not self._take(found[1], found[2], found[3]):
                self.broken = True
                break
            at = found.end()
        rest = text[at:]
        if self.broken or (last and self._pending):
            rest, self._pending = self._pending + rest, ""
        if not self.broken and not last and _UNFINISHED.fullmatch(rest) and len(rest) < _LONGEST:
            self._rest = rest
        elif _BLANK.fullmatch(rest) is None:
            self.broken = True
            self._take_raw(rest)
        if last and (self._stack or self._expects != "nothing"):
            self.broken = True

    def _take_raw(self, rest: str) -> None:
        for line in rest.splitlines(keepends=True):
            self.lines += [JsonLine(0, "", line[at : at + _RAW], raw=True) for at in range(0, len(line), _RAW)]

    def _take(self, sign: str | None, text: str | None, word: str | None) -> bool:
        """One token; false where it must not come here."""
        expects = self._expects
        if sign == ":":
            self._pending += sign
            self._expects = "value"
            return expects == "colon"
        if sign == ",":
            if expects != "comma":
                return False
            self._expects = "name" if self.lines[self._stack[-1]].text == "{" else "value"
            return True
        if sign in ("}", "]"):
            return self._close(sign)
        if expects in ("name", "name or end"):
            self._name, self._expects = text or "", "colon"
            self._pending = self._name
            return text is not None
        if expects not in ("value", "value or end"):
            return False
        self._add(sign or text or word or "", opens=sign is not None)
        return len(self._stack) <= _DEEPEST

    def _add(self, text: str, *, opens: bool) -> None:
        if self._stack:
            self.lines[self._stack[-1]].members += 1
        self.lines.append(JsonLine(len(self._stack), self._name, text, opens))
        self._name = self._pending = ""
        if opens:
            self._stack.append(len(self.lines) - 1)
            self._expects = "name or end" if text == "{" else "value or end"
        else:
            self._expects = "comma" if self._stack else "nothing"

    def _close(self, sign: str) -> bool:
        if not self._stack or self._expects not in ("comma", "name or end", "value or end"):
            return False
        opener = self.lines[self._stack[-1]]
        if _CLOSES[opener.text] != sign:
            return False
        self._stack.pop()
        if opener.members:
            opener.closes = len(self.lines)
            self.lines.append(JsonLine(opener.depth, "", sign))
        else:
            opener.text, opener.opens = opener.text + sign, False
        self._expects = "comma" if self._stack else "nothing"
        return True

    def brief(self, number: int, longest: int) -> str:
        """What a folded line holds, in one line: as many of its members as fit."""
        opener = self.lines[number]
        end = opener.closes if opener.closes is not None else len(self.lines)
        shown, used, at = [], 0, number + 1
        while at < end and used < longest:
            inner = self.lines[at]
            value = f"{inner.text} … {_CLOSES[inner.text]}" if inner.opens else inner.text
            piece = f"{inner.name}: {value[:longest]}" if inner.name else value[:longest]
            shown.append(piece)
            used += len(piece) + 2
            at = (
                end
                if inner.opens and inner.closes is None
                else inner.closes + 1
                if inner.closes is not None
                else at + 1
            )
        return ", ".join(shown)
