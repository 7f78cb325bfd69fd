"""Generators: they learn from real images and make new ones."""
