"""The program: `opalmind-tui`, or `python -m opalmind_tui`."""

from __future__ import annotations

from opalmind_tui.collecting import collect_seldom


def main() -> None:
    """Run it, and leave with its exit code."""
    collect_seldom()
    from opalmind_tui.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
