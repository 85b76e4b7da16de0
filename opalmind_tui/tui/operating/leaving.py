"""Leaving the dashboard: at once, or, where requests live only here, after asking how."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opalmind_tui.tui.app import OpalmindApp
    from opalmind_tui.tui.dialogs.leaving import Leave


def leave(app: OpalmindApp) -> None:
    """Quit, as asked. The window is loaded only where it is wanted."""
    snapshot = app.frame.snapshot
    nothing_here = app.replaying is not None or snapshot is None or not snapshot.store.only_here
    if nothing_here or snapshot is None or snapshot.identity.demo:
        app.end()
        return
    from opalmind_tui.tui.dialogs.leaving import Leave, LeavingDialog

    def chosen(how: Leave | None) -> None:
        if how is Leave.LOSE:
            app.engine.leave_behind()
        if how is not None:
            app.end()

    app.dress_windows()
    app.push_screen(LeavingDialog(snapshot.store), chosen)
