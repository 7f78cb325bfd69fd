"""Generators of three-dimensional CT, trained and sampled in tiles."""
