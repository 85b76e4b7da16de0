"""Tests of the values that cross to the screen."""
