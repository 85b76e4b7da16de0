"""Taking acts back: how each is taken back, as the audit stream keeps it, and which one is the last."""
