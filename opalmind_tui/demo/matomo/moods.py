"""The stand-in's moods: what a newcomer can switch to see what happens."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from opalmind_tui.demo.matomo.behaviour import Behaviour


class Mood(Struct, frozen=True):
    """A named behaviour and the letter that picks it from a menu."""

    key: str
    meaning: str
    behaviour: Behaviour


MOODS: Mapping[str, Mood] = {
    "normal": Mood("n", "answers quickly", Behaviour(latency=0.005, latency_per_hit=0.0005)),
    "slow": Mood("s", "answers after 400 ms and 2 ms a hit", Behaviour(latency=0.4, latency_per_hit=0.002)),
    "rate-limited": Mood(
        "l", "answers 429 and asks to wait 4 s, now and then", Behaviour(latency=0.005, faults=(("429", 0.5),))
    ),
    "errors": Mood("e", "answers 503 to one request in ten", Behaviour(latency=0.005, faults=(("503", 0.1),))),
    "outage": Mood("o", "refuses connections", Behaviour(listening=False)),
    "down-503": Mood("d", "answers 503 to everything", Behaviour(latency=0.005, faults=(("503", 1.0),))),
    "token-refused": Mood("t", "takes the token for a wrong one", Behaviour(latency=0.005, tokens=False)),
    "recording-off": Mood("x", "says success and stores nothing", Behaviour(latency=0.005, recording=False)),
}
"""By name. The stand-in starts in the first."""
