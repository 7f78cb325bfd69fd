"""What else goes together with the label."""
