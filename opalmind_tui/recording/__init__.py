"""Recordings: what a dashboard saw, kept in memory and in files, and played again later. No clock, no server."""
