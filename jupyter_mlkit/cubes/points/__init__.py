"""In-situ measurements as samples of a cube."""
