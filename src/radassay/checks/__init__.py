"""Checks: one question a file, answered with findings."""
