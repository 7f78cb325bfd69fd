"""What is said of limits that hold the truth more often than 95 times in 100."""

from __future__ import annotations


def conservative(method: str, where: str = "") -> str:
    """Return the method of limits that are too wide to be called a 95 % interval, and that it is so.

    The share of repetitions in which each measure's limits hold the truth is counted in docs/concepts/intervals.md.

    Args:
        method: how the limits were made.
        where: under which condition, such as `where nothing differs`; always, if nothing is given.
    """
    return f"{method}; no valid 95 % interval {where}".rstrip() + ": the limits hold the truth in more than 98 of 100"
