"""What is known of a set, and what nobody can answer."""
