"""Kinegraph's backend: everything that is not a node."""

__version__ = "0.1.0"
