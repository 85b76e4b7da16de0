"""Tests of what is logged, and of what is kept out of it."""
