"""The program in a hurry: leases of seconds, so that a test can wait for their end. `python -m tests.acceptance.hasty`

Nothing but durations differs from `python -m opalmind_tui`.
"""

from __future__ import annotations

from typing import Any

LEASE = 6.0
"""Seconds. A sixth of it, in which no post may start, is longer than the slowest answer of a calm Matomo."""


def _shorten(place: Any, name: str, value: float) -> None:
    assert hasattr(place, name), f"{name} is not there any more"
    setattr(place, name, value)


def hurry() -> None:
    """Shorten what otherwise takes longer than a test."""
    from opalmind_tui.matomo.tracking_client import TrackingClient
    from opalmind_tui.tracking import backoff, dispatcher

    for function, name, value in (
        (dispatcher.Dispatcher.__init__, "lease", LEASE),
        (TrackingClient.__init__, "timeout", 2.0),
    ):
        defaults = function.__kwdefaults__
        assert defaults is not None
        assert name in defaults, f"{name} is not there any more"
        defaults[name] = value
    _shorten(dispatcher, "REAP_EVERY", 1.0)
    _shorten(dispatcher, "RECONCILE_EVERY", 2.0)
    _shorten(dispatcher, "RECONCILE_PAUSE", 0.1)
    _shorten(backoff, "BREAKER_CAP", 2.0)
    _shorten(backoff, "REQUEST_BASE", 0.5)
    _shorten(backoff, "REQUEST_CAP", 3.0)


if __name__ == "__main__":
    hurry()
    from opalmind_tui.cli.main import main

    main()
