"""The windows over the overview. Nothing changes before one of them was confirmed."""
