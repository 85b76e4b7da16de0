"""Figures for a monitoring system: Prometheus text over HTTP, made from the engine's snapshot."""
