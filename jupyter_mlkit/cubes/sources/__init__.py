"""Open cubes: where they are, how they are reached, how they are prepared."""
