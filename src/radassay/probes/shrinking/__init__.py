"""What lesions lose when pictures are made smaller."""
