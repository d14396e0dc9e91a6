"""Measurements: ratios in one run; nothing here asserts a wall-clock time. See README.md."""
