"""Read a cube in whole chunks, each decoded once."""
