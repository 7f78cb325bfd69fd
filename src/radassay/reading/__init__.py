"""Reader studies: radiologists judge real and synthetic images, blind; plan, pixels, key and analysis."""
