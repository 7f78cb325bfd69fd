"""Detectors of what does not belong in a set of chest images: one look at a picture, one sight an oddity."""
