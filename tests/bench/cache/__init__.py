"""The report cache's benchmark: ``python -m tests.bench.cache``."""
