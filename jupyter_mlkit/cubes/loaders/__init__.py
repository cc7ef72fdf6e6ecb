"""Give the batches of a sampler to a framework; each is imported in its own loader only."""
