"""Trials: what synthetic images are worth to a diagnosis model, by plan, record and analysis."""
