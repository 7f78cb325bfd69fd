"""The errors a user can act on.

::

    RadassayError
    ├── InputError          what was given cannot be used
    │   ├── UnreadableImage     one file is no image we can read (the import goes on)
    │   ├── SettingsError       a setting, option or study file is wrong
    │   └── UnknownName         no plug-in of that name
    ├── RefusedError        it could be done, but the evidence would be worthless
    └── EvidenceError       a run directory is not what it should be
        ├── RunAltered          a sealed byte has changed
        ├── RunUnfinished       no seal yet
        ├── NotReproducible     a repeated stage gave other findings
        └── StorageError        the disk is full or the folder cannot be written

Every message says what was wrong, what was got, and what is possible.
"""

from __future__ import annotations


class RadassayError(Exception):
    """Root of all errors that are shown to the user without a traceback.

    Args:
        what: what was wrong, a sentence without its full stop.
        got: the offending value, shown as given.
        possible: what would have worked, or what to do next.
    """

    def __init__(self, what: str, *, got: object = None, possible: str = "") -> None:
        self.what, self.got, self.possible = what, got, possible
        parts = [what.rstrip(".") + "."]
        if got is not None:
            parts.append(f"Got: {got}.")
        if possible:
            parts.append(possible.rstrip(".") + ".")
        super().__init__(" ".join(parts))


class InputError(RadassayError):
    """What was given cannot be used."""


class UnreadableImage(InputError):
    """One file is no image that can be read."""


class SettingsError(InputError):
    """A setting, option or study file is wrong."""


class UnknownName(InputError):
    """No plug-in of that name is installed."""


class RefusedError(RadassayError):
    """It could be done, but the evidence would be worthless."""


class EvidenceError(RadassayError):
    """A run directory is not what it should be."""


class RunAltered(EvidenceError):
    """A byte under the seal has changed."""


class RunUnfinished(EvidenceError):
    """The run has no seal yet."""


class NotReproducible(EvidenceError):
    """A repeated stage gave other findings than the first time."""


class StorageError(EvidenceError):
    """The disk is full or the folder cannot be written."""
