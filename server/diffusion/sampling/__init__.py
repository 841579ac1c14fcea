"""Sampling: noise, schedules, solvers, guidance, and the loop that all families share."""
