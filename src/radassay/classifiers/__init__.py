"""Classifiers: the small diagnosis models that a trial trains."""
