"""The shapes of plug-ins, one a file.

A plug-in is a frozen dataclass: its fields are settings, the docstrings under them are the help, its methods
are the work. Each contract is a list; `tests/contracts/` holds every registered plug-in to it.
"""
