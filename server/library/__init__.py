"""What people keep: saved workflows with all their versions, and the templates that are shipped. No HTTP, no jobs."""
