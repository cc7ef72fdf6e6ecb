"""A cube seen through a spec: what a training reads, in one pass."""
