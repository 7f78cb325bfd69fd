"""Generators made elsewhere: adapters that give them the contract of those trained here, and say what they are."""
