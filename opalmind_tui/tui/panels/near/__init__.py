"""Redis from near, a panel each: pure functions of the snapshot."""
