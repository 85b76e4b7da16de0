"""The door: requests for the configured Matomo, accepted with an answer each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from opalmind_tui.errors import ReadOnly, SettingsError
from opalmind_tui.matomo.masking import mask
from opalmind_tui.settings import Settings
from opalmind_tui.tracking.prepare import refuse_what_only_a_token_lets_in
from opalmind_tui.tracking.queue import Answer, TrackingQueue
from opalmind_tui.tracking.request import TrackingRequest


class Intake:
    """Accepts.

    Args:
        endpoint: the Matomo that requests are for; empty where none is configured.
        accepted: called after each offer, so that delivery begins at once.
        clock: epoch seconds.
    """

    def __init__(
        self,
        settings: Settings,
        queue: TrackingQueue,
        endpoint: str,
        *,
        accepted: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self._settings, self._queue, self._endpoint = settings, queue, endpoint
        self._accepted, self._clock = accepted, clock
        self._secrets = settings.secrets()

    async def offer(self, requests: Sequence[TrackingRequest], ids: Sequence[str] | None) -> list[Answer]:
        """See `Engine.offer`."""
        if self._settings.read_only:
            raise ReadOnly("This process is read-only: it accepts nothing")
        if not self._endpoint:
            raise SettingsError("MATOMO_BASE_URL", "nothing", "the address of the Matomo to deliver to")
        if ids is None and not self._settings.matomo_token:
            for request in requests:
                refuse_what_only_a_token_lets_in(request, self._clock())
        safe = [self._without_secrets(request) for request in requests]
        answers = await self._queue.enqueue(self._endpoint, safe, ids)
        self._accepted()
        return answers

    def _without_secrets(self, request: TrackingRequest) -> TrackingRequest:
        """A page of Matomo itself may have our token in its address: it gets into no store (I10)."""
        secrets = self._secrets
        if not secrets or not any(secret in value for value in request.params.values() for secret in secrets):
            return request
        return replace(request, params={name: mask(value, secrets) for name, value in request.params.items()})
