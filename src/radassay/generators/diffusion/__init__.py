"""Diffusion models: pictures drawn by taking noise away, step by step."""
