"""Rendered scenes: flat-style clips drawn from tables, with captions. A renderer, not a model.

The starter models learn from these, `rendered_scene` shows them, and tests and demonstrations use them.
"""
