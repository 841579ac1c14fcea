"""Measurements, as ratios against something real in the same run. Never part of the tests; run by `make bench`."""
