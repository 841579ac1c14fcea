"""Training of the starter models: renderer, captions, codec, trainer, evaluation, export.

Nothing here runs while a workflow runs. The engine and the nodes load what this package exported and never import it.
"""
