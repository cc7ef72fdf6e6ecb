"""Where the cells of a cube are: dims, coordinates, sizes, areas, selections."""
