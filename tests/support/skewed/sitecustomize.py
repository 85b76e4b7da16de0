"""In a Python that finds this folder on its path the wall clock is `TEST_CLOCK_SKEW` seconds off.

As on a machine whose clock is wrong: `time.time`, `time.time_ns`, and what `datetime` takes for now. Clocks that only
go forward are right everywhere.
"""

from __future__ import annotations

import datetime
import os
import time
from typing import Any

SKEW = float(os.environ.get("TEST_CLOCK_SKEW", "0"))

if SKEW:
    right_time, right_time_ns, right_gmtime, right_localtime = time.time, time.time_ns, time.gmtime, time.localtime
    time.time = lambda: right_time() + SKEW
    time.time_ns = lambda: right_time_ns() + int(SKEW * 1e9)
    time.gmtime = lambda seconds=None: right_gmtime(time.time() if seconds is None else seconds)
    time.localtime = lambda seconds=None: right_localtime(time.time() if seconds is None else seconds)

    class Skewed(datetime.datetime):
        """A `datetime` whose now is off."""

        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return cls.fromtimestamp(time.time(), tz)

        @classmethod
        def utcnow(cls) -> Any:
            return cls.fromtimestamp(time.time(), datetime.UTC).replace(tzinfo=None)

        @classmethod
        def today(cls) -> Any:
            return cls.fromtimestamp(time.time())

    datetime.datetime = Skewed  # type: ignore[misc]
