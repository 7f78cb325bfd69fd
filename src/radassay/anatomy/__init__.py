"""Where the lungs are, and what lies outside them."""
