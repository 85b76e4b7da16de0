"""Searches, groups and details."""
