"""Images in: readers, the import, image sets, splits, and simulated chests."""
