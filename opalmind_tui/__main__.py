"""`python -m opalmind_tui`."""

from opalmind_tui.cli.main import main

if __name__ == "__main__":
    main()
