"""Exit codes of every command. The one place where they are named."""

OK = 0
"""Healthy; everything that was asked for was done."""
DEGRADED = 1
"""Works with a warning; or a part of what was asked for was refused."""
UNHEALTHY = 2
"""Something fails. Also: a setting or an argument cannot be used, so nothing was started."""
UNUSABLE = 2
CANNOT_TELL = 3
"""Nothing could be asked, or nothing (more) was accepted: the store is away, or full."""
INTERRUPTED = 130
"""Stopped by ctrl+c, as shells expect it."""
