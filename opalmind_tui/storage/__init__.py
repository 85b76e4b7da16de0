"""Connections to Redis or Valkey, what their failures mean, and a local server of one's own."""
