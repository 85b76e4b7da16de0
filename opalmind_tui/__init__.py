"""OpalMind TUI: a durable tracking queue, a shared report cache and the terminal dashboard that embeds both."""

__version__ = "0.1.0"
