"""Translators: one class of picture into another, or a map of places into a picture."""
