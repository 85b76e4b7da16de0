"""Composes the rooms below, owns their life cycle, runs commands, takes the snapshot."""
