"""Who runs a workflow, and when: the queue, its store, and the worker process that owns the device."""
