"""Weights that others published: which there are, where they come from, and how they become safetensors."""
