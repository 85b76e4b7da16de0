"""`replay`: the dashboard on a recording."""

from __future__ import annotations

from pathlib import Path

import click

from opalmind_tui.cli.options import WithSettings, mouse_option


@click.command(cls=WithSettings)
@click.argument("file")
@mouse_option
def replay(file: str, mouse: bool | None) -> int:
    """Show a recording in the dashboard: play, pause, step, jump to a time. Asks no server, changes nothing.

    Recordings are saved by a key of the dashboard, or written by --record. One that was cut off, as by a crash, is
    shown as far as it goes.

    Exit code: 0 shown, 2 the file is no recording, is damaged, or is of a newer version.
    """
    from opalmind_tui.cli.preferences import preferences_of
    from opalmind_tui.recording.opening import open_recording
    from opalmind_tui.recording.replay import Replay
    from opalmind_tui.tui.app import OpalmindApp
    from opalmind_tui.tui.run import run_dashboard

    preferences = preferences_of(mouse=mouse)
    engine = Replay(open_recording(Path(file)))
    return run_dashboard(OpalmindApp(engine, preferences=preferences, playback=engine.playback))
