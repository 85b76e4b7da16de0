"""Benchmarks: ``python -m tests.bench queue``. They measure and compare; they judge no test run."""
