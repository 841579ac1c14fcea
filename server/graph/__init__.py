"""What a workflow is: the document, read, migrated and validated into a graph. Pure data and pure functions."""
