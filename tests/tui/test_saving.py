"""What a saved recording lacks is said where it is saved."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from opalmind_tui.recording.files import folder
from opalmind_tui.recording.opening import open_recording
from opalmind_tui.snapshot.model import Reading, Snapshot
from opalmind_tui.snapshot.wanted import NEWEST, Wanted
from opalmind_tui.tui.saving import trail_of
from tests.tui.cases import press
from tests.tui.engine import FakeEngine
from tests.tui.fixtures import degraded
from tests.tui.support import opened, screen_text
from tests.tui.trail import TRAIL, page

AWAY = "connection refused at db.internal:6379"


class Away(FakeEngine):
    """Redis is away, and nobody has read the audit trail before."""

    async def take_snapshot(self, wanted: Wanted = NEWEST) -> Snapshot:  # type: ignore[override]
        taken = await super().take_snapshot(wanted)  # type: ignore[arg-type]
        return taken if taken.audit is None else replace(taken, audit=Reading(None, 0.0, AWAY))


async def test_without_redis_it_says_that_the_audit_trail_is_missing() -> None:
    async with opened(degraded(), engine=Away(degraded())) as (pilot, _):
        await press(pilot, "S")
        shown = " ".join(screen_text(pilot).replace("│", " ").split())
        (path,) = folder().iterdir()
        try:
            assert open_recording(path).audit == ()
        finally:
            path.unlink()
    assert f"Without the audit trail: {AWAY}." in shown
    assert "opalmind-tui replay" in shown


@pytest.mark.parametrize(
    ("error", "said"), [(None, ()), ("no answer", ("Of the audit trail only what was read before: no answer.",))]
)
def test_a_trail_that_is_at_hand_goes_into_it(error: str | None, said: tuple[str, ...]) -> None:
    from opalmind_tui.snapshot.audit import AuditView

    found = page(TRAIL, AuditView())
    assert trail_of(Reading(found, 9.0, error)) == (found.entries, said)
