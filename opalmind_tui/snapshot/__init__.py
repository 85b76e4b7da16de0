"""The one immutable value that crosses to the screen. No I/O, no clock, no randomness."""
