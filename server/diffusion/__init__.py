"""Tensors: model families, sampling, text, autoencoders, weights and their residency in memory.

A library: it imports nothing of ours outside this package. `types` and `errors` load no torch; everything else may.
"""
