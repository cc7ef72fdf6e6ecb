"""The REST API: thin handlers, one module per capability, over the rooms that do the work."""
