"""The same radiograph twice, in one set or in two."""
