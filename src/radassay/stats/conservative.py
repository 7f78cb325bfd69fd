"""What is said of limits that held the truth too often to be a 95 % interval."""

from __future__ import annotations


def conservative(method: str, where: str = "") -> str:
    """Return the method of limits that are too wide to be called a 95 % interval, and that it is so.

    How often each measure's limits held the truth on simulated chests is counted in docs/concepts/intervals.md.

    Args:
        method: how the limits were made.
        where: under which condition, such as `where nothing differs`; always, if nothing is given.
    """
    said = f"{method}; no valid 95 % interval {where}".rstrip()
    return f"{said}: on simulated chests its limits held the truth in more than 98 of 100"
