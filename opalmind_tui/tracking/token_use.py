"""When the token goes with a bulk, and when not any more.

An ordinary bulk goes without it. That loses nothing, for `cid` and a fresh `cdt` need no token, and it keeps ordinary
hits going where the token is bad or locked out: after 21 uses of a bad token Matomo answers 500 to every bulk with a
token, and 200 to those without. It is useful in two cases, which this finds out by trying, rarely:

- a super user's token makes Matomo name the invalid hits, which otherwise are only counted, and tells a hit that was
  lost to a lock from a Matomo that records nothing;
- a Matomo with `bulk_requests_require_authentication` answers 500 to every bulk without one.
"""

from __future__ import annotations

from collections.abc import Callable

from opalmind_tui.tracking.shared_token import SharedToken
from opalmind_tui.tracking.verdict import Decision, TokenNews

TRIAL_EVERY = 600.0
"""Seconds between two trials whether ordinary bulks need the token: 6 an hour, where 21 lock out."""
DOUBT_PAUSE = 300.0
"""Seconds that a token rests after a failure inside Matomo: it may be locked out, together with good ones."""


class TokenUse:
    """What this process knows about its token.

    Args:
        token: empty for none.
        clock: seconds that only go forward.
        shared: what all processes know; None where there is no Redis.
    """

    def __init__(self, token: str, clock: Callable[[], float], shared: SharedToken | None = None) -> None:
        self._shared = shared
        self._told: set[str] = set()
        self._has_token = bool(token)
        self._clock = clock
        self._proved: set[str] = set()
        self._refused: set[str] = set()
        self._rests_until = float("-inf")
        self._next_trial = float("-inf")
        self._names_invalid: bool | None = None
        self._required = False
        self.with_ordinary = False
        """Whether ordinary bulks carry the token now."""

    @property
    def state(self) -> str:
        """``none``, ``refused``, ``resting``, ``proved`` or ``untested``, for people."""
        if not self._has_token:
            return "none"
        if self._refused and not self._proved:
            return "refused"
        if self._clock() < self._rests_until:
            return "resting"
        return "proved" if self._proved else "untested"

    async def ask_others(self, site: str) -> None:
        """Before hits of a site are sent with it: what other processes found out counts here, too."""
        known = await self._shared.read(site) if self._shared is not None and self._has_token else None
        if known is None:
            return
        if known.refused:
            self._refused.add(site)
            self._proved.discard(site)
            self._told.add(site)
        elif site in self._told:
            # An operator asked again, or it was good for another process since.
            self._told.discard(site)
            self._refused.discard(site)
        if known.proved:
            self._proved.add(site)
        self._rests_until = max(self._rests_until, self._clock() + known.rests)

    async def tell_others(self, decision: Decision, site: str) -> None:
        """What `learn_from_needed` was told."""
        if self._shared is None:
            return
        if decision.token is TokenNews.PROVED:
            await self._shared.proved(site)
        elif decision.token is TokenNews.REFUSED:
            await self._shared.refused(site)
            self._told.add(site)
        elif decision.token is TokenNews.DOUBTFUL and decision.rolled_back:
            await self._shared.rests(DOUBT_PAUSE)

    async def forget_everywhere(self) -> None:
        """An operator asks again."""
        self.forget_refusal()
        if self._shared is not None:
            await self._shared.forget()

    def usable(self, site: str) -> bool:
        """Whether hits of a site that need the token may be sent with it now."""
        return self._not_refused(site) and self._clock() >= self._rests_until

    def is_proved(self, site: str) -> bool:
        """Whether Matomo took a hit of this site that needed the token."""
        return site in self._proved

    def forget_refusal(self) -> None:
        """An operator asks again."""
        self._refused.clear()
        self._rests_until = float("-inf")

    def learn_from_needed(self, decision: Decision, site: str) -> None:
        """An answer to hits of a site that needed the token."""
        if decision.token is TokenNews.PROVED:
            self._proved.add(site)
            self._refused.discard(site)
        elif decision.token is TokenNews.REFUSED:
            self._refused.add(site)
            self.with_ordinary = False
        elif decision.token is TokenNews.DOUBTFUL:
            self._proved.discard(site)
            if decision.rolled_back:
                self._rests_until = self._clock() + DOUBT_PAUSE

    def learn_from_ordinary(self, decision: Decision, *, with_token: bool) -> None:
        """An answer to an ordinary bulk, and whether that carried the token."""
        if with_token:
            self._learn_from_carrying(decision)
        elif decision.rolled_back or ((decision.unnamed or decision.unsaid) and self._names_invalid is None):
            self._try_with_token(required=decision.rolled_back)

    def _learn_from_carrying(self, decision: Decision) -> None:
        if decision.rolled_back:
            # Its database, or a lock-out: the next bulk goes without and will tell.
            self.with_ordinary = self._required = False
        elif decision.took:
            self._names_invalid = decision.names_invalid
            self.with_ordinary = self._required or bool(decision.names_invalid)

    def _try_with_token(self, *, required: bool) -> None:
        if self._not_refused("") and self._clock() >= self._next_trial:
            self._next_trial = self._clock() + TRIAL_EVERY
            self.with_ordinary, self._required = True, required

    def _not_refused(self, site: str) -> bool:
        """One refusal is the token's, unless it was good elsewhere: then it is the site's."""
        return self._has_token and site not in self._refused and not (self._refused and not self._proved)
