"""Put predictions back on the cube."""
