"""Radiomic features of two-dimensional images and outlines, by the definitions of the IBSI."""
