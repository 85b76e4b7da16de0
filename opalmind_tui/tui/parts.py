"""What each part of a place is for, in a sentence: the help of the part that has the focus begins with it."""

from __future__ import annotations

from msgspec import Struct

from opalmind_tui.snapshot.filters import FIELDS
from opalmind_tui.tui.action import DETAIL
from opalmind_tui.tui.situation import Situation


class Part(Struct, frozen=True):
    """What can have the focus.

    Args:
        place: the place that it is in, or `DETAIL`.
        id: the id of its widget.
        name: what it is called.
        about: what it shows, and what is done in it.
        also: ids of actions that exist everywhere and are of use here.
        only: it has these, and not those that act on another part of its place.
    """

    place: str
    id: str
    name: str
    about: str
    also: tuple[str, ...] = ()
    only: bool = False


_TTLS = ("ttl", "purge_cache")
_DELIVERY = ("deliver", "hold", "limit")

# fmt: off
PARTS: tuple[Part, ...] = (
    Part("overview", "requests", "Overview, requests",
         "What waits, is under way or was given up, the newest failure first. Keys act on what is under the cursor.",
         ("undo",)),
    Part("overview", "features", "Overview, features",
         "Each kind of report: how often the cache had it, and how long it keeps it.", _TTLS, True),
    Part("overview", "health", "Overview, health",
         "What the health checks of Matomo, cache, queue and Redis say, as `status` does.", ("doctor",), True),
    Part("overview", "trends", "Overview, trends",
         "The last minutes of the figures above. The History place has the whole day.", ("history",), True),
    Part("queue", "window", "Queue, a list of requests",
         "All requests of a state, also a million of them. Keys act on what is under the cursor, or on all that are "
         "marked; while some are marked the list stands still.", ("undo",)),
    Part("queue", "groups", "Queue, groups",
         "Failures by what they have in common: error, status, site and kind. Keys act on all requests of the group.",
         ("undo",)),
    Part("queue", "box", "Queue, the filter",
         f"Words, or field:value with {', '.join(FIELDS)}; - before it for not. enter takes it, escape keeps the "
         "former one.", (), True),
    Part("cache", "features-table", "Cache, kinds of reports",
         "Hit rates now and over the day, entries, bytes and times to live; below them the kind under the cursor.",
         ("undo", *_TTLS)),
    Part("cache", "entries", "Cache, entries",
         "Every entry of a kind of report, with its size, its age and the life that it has left.", ("undo", *_TTLS)),
    Part("cache", "value", "Cache, a value",
         "What is stored, as it is: folded JSON with exact numbers.", ("purge_cache",)),
    Part("redis", "near-server", "Redis, the server",
         "Memory, load, disk and latency of the server.", ("doctor",)),
    Part("redis", "near-keys", "Redis, keys",
         "How many keys there are under each prefix; an estimate has its bounds until all were counted."),
    Part("redis", "near-expires", "Redis, what expires", "When keys go by themselves, and which are the largest."),
    Part("redis", "near-clients", "Redis, clients",
         "Who is connected, what was slow, and what this dashboard costs the server."),
    Part("fleet", "processes", "Fleet, processes",
         "Every process of ours on this Redis: what it does, how fast, and since when.", _DELIVERY),
    Part("fleet", "services", "Fleet, services", "OpalMind services beside us, by what they say of themselves."),
    Part("doctor", "findings", "Doctor, findings",
         "What is wrong, the worst first. The finding under the cursor stands beside the list or below it."),
    Part("doctor", "finding", "Doctor, a finding",
         "What was seen, what comes of it, and what to do: by a command to copy or, where it is safe, by a key."),
    Part("audit", "trail", "Audit, the trail",
         "Who did what, from where, when, how many and what came of it, of all dashboards and commands.", ("undo",)),
    Part("history", "history", "History",
         "The last day by the minute, with what was done. The next part is another span of time."),
    Part(DETAIL, "page", "A request",
         "All that is known of it. Personal data is hidden until it is revealed, and that is noted in the audit."),
)
# fmt: on


def part_of(now: Situation) -> Part:
    """The part that has the focus; before any has it, the first of its place."""
    there = [part for part in PARTS if part.place == now.place]
    return next((part for part in there if part.id == now.part), there[0])
