"""The wire: HTTP, server-sent events and websockets over the job service. No rules about workflows live here."""
