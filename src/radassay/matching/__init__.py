"""The same radiograph again, whatever happened on the way."""
