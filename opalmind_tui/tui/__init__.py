"""The dashboard. It knows the engine's port and the snapshot, never a server."""
