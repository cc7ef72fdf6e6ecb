"""Fill the gaps of a variable from what was seen of it, and from other variables."""
