"""Matomo's reports: what they look like, the cache they are kept in, and how long."""
