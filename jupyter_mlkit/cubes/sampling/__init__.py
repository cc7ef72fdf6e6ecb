"""Cells, patches and windows of a cube as samples."""
