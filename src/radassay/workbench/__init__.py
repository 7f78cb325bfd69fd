"""The path from images to a verdict; read `path.py` first."""
