"""What is wrong with image sets, found before anyone trains."""
