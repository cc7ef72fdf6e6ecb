"""Bring what the journals hold to the tracking store, in order, and each entry once."""
