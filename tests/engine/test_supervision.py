"""A background task that meets an unexpected error is named by place, not by text, and goes on."""

from __future__ import annotations

import asyncio

import pytest

from opalmind_tui.engine import supervision


async def test_it_goes_on_and_says_where(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "RESTART_AFTER", 0.0)
    again = asyncio.Event()
    runs = 0

    async def work() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise ValueError("a secret")
        again.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(supervision.supervised(work, "housekeeping"))
    async with asyncio.timeout(5):
        await again.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert "housekeeping: unexpected ValueError at line" in caplog.text
    assert "a secret" not in caplog.text
