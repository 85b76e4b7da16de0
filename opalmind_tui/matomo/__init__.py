"""Talking to Matomo over HTTP: tracking (bulk) and reporting."""
