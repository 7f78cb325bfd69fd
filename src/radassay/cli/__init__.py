"""The command line: one dataclass a command."""
