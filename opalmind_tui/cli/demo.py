"""`demo`: a real local server, a stand-in Matomo over real HTTP, traffic, and the dashboard on it."""

from __future__ import annotations

import click


@click.command()
@click.option("--no-mouse", is_flag=True, help="Leave the mouse to the terminal.")
def demo(no_mouse: bool) -> int:
    """Show the dashboard on a world of its own: nothing on the screen is invented.

    Starts a local server, a stand-in for Matomo and traffic. Keys switch the stand-in's behaviour. Everything ends, and
    is removed, with the dashboard.
    """
    from opalmind_tui.demo.world import DemoWorld
    from opalmind_tui.tui.app import OpalmindApp, run_dashboard

    raise NotImplementedError(DemoWorld, OpalmindApp, run_dashboard, no_mouse)
