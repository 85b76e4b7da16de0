"""The way to the terminal: Textual's own, but what is typed is read in the app's loop.

Textual reads it in a thread that looks up ten times a second whether it should end. That is an eighth of what the
overview costs while nobody touches it, and a quarter of a second before the program is left.
"""

from __future__ import annotations

import asyncio
import logging
import os
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterable

from textual._xterm_parser import XTermParser
from textual.constants import ESCAPE_DELAY
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

log = logging.getLogger(__name__)
_AT_ONCE = 4096
_A_LITTLE = 0.001
"""Seconds that a timer may come too early."""


class LoopDriver(LinuxDriver):
    """Reads what is typed as soon as the loop is free, and before any timer that is due then: what was typed before a
    window could be confirmed is known to be older. An escape and a key that were typed while the loop was busy come
    together, as alt and that key do."""

    _start: asyncio.Handle | None = None
    _tick: asyncio.Handle | None = None
    _read_at = 0.0

    def start_application_mode(self) -> None:
        """Who was stopped without a warning (SIGSTOP) goes on in the terminal as it left it: Textual would take that
        for the mode to give back at the end, and the shell would not echo."""
        given = self.attrs_before
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if given is not None:
            self.attrs_before = given

    def stop_application_mode(self) -> None:
        super().stop_application_mode()
        self.attrs_before = None

    def run_input_thread(self) -> None:
        """Textual starts a thread for this when the terminal is ready for keys. It ends at once."""
        self._start = self._loop.call_soon_threadsafe(self._listen)

    def disable_input(self) -> None:
        super().disable_input()
        self._deafen()

    def send_message(self, message: Message) -> None:
        """What was read goes straight to the app: it is in the app's loop already."""
        self._app.post_message(message)

    def _listen(self) -> None:
        self._parser = XTermParser(self._debug)
        # Bytes that are no UTF-8, as a terminal in Latin-1 sends, arrive as U+FFFD; Textual would end (I9).
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._loop.add_reader(self.fileno, self._read)

    def _deafen(self) -> None:
        for one in (self._start, self._tick):
            if one is not None:
                one.cancel()
        if not self._loop.is_closed():
            self._loop.remove_reader(self.fileno)

    def _read(self) -> None:
        try:
            data = os.read(self.fileno, _AT_ONCE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            # The terminal is gone, or is another program's now: nobody can ever type here again.
            self._deafen()
            self._app.call_later(self._app.exit)
            return
        self._read_at = Message().time
        if text := self._decoder.decode(data):
            self._pass_on(lambda: self._parser.feed(text))
        if self._tick is not None:
            self._tick.cancel()
        # An escape is a key of its own when nothing follows it in time.
        self._tick = self._loop.call_later(ESCAPE_DELAY + _A_LITTLE, self._pass_on, self._parser.tick)

    def _pass_on(self, read: Callable[[], Iterable[Message]]) -> None:
        try:
            messages = list(read())
        except Exception as error:  # noqa: BLE001 - a stranger's bytes may not end the program (I9)
            # What Textual's parser could not bear is lost, and the parser with it. The bytes are not noted: they may
            # be anything that was pasted.
            log.warning("What was typed could not be read: %s", type(error).__name__)
            self._parser = XTermParser(self._debug)
            return
        for message in messages:
            # Also what is known to be a key only some time later is as old as its bytes.
            message.time = self._read_at
            self.process_message(message)
