"""Neural networks for cubes, the same in every framework; each is imported where it is used."""
