"""The key of a reader study: which image is which, kept outside the folder that a server may open."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from radassay.errors import InputError, RefusedError
from radassay.evidence.run import append_durably, storage, write_atomic

KEY, LOG = "key.json", "unblinding.jsonl"
REAL, SYNTHETIC = "real", "synthetic"


@dataclass(frozen=True)
class KeyImage:
    """What one opaque image id stands for."""

    id: str
    arm: str
    """`real` or `synthetic`."""
    label: str
    image: str
    """SHA-256 of the decoded pixels in the image set; of a stack, those of its middle slice."""
    patient: str
    """Independent unit: patient code, or one an image."""
    broken: bool = False
    """Whether the image was broken on purpose."""


@dataclass(frozen=True)
class KeyItem:
    """What one opaque item id stands for."""

    id: str
    block: str
    label: str
    images: tuple[str, ...]
    """Opaque ids of its images."""
    role: str = "case"
    """`case`, `repeat`, `catch` or `training`; only cases count for the main results."""
    repeats: str = ""
    """Item of which this is the hidden repeat."""


@dataclass(frozen=True)
class Key:
    """All that readers, coordinator and server must not know until the study is unblinded."""

    plan: str
    """Hash of the plan."""
    images: tuple[KeyImage, ...]
    items: tuple[KeyItem, ...]

    @property
    def by_image(self) -> dict[str, KeyImage]:
        """Return the images by their opaque id."""
        return {image.id: image for image in self.images}

    def arm(self, item: KeyItem) -> str:
        """Return the arm of an item with one image."""
        return self.by_image[item.images[0]].arm

    def real_of(self, item: KeyItem) -> str:
        """Return the opaque id of the real image of a choice."""
        known = self.by_image
        return next(image for image in item.images if known[image].arm == REAL)


@dataclass(frozen=True)
class Unblinding:
    """One opening of a key."""

    who: str
    at: str
    why: str
    plan: str
    key: str
    """SHA-256 of the key's file."""
    answers: str
    """SHA-256 of the answers at that moment; empty if none were given."""


def write_key(folder: Path, key: Key, served: Path) -> str:
    """Write the key and return the SHA-256 of its file.

    Raises:
        RefusedError: the folder lies within the served one, or a key lies there already.
        StorageError: the folder cannot be written.
    """
    if folder.resolve().is_relative_to(served.resolve()):
        raise RefusedError("The key may not lie in the folder that is served", got=folder, possible="A folder beside")
    if (folder / KEY).exists():
        raise RefusedError("There is a key already; a study cannot be replanned over it", got=folder / KEY)
    content = (json.dumps(asdict(key), indent=1, sort_keys=True) + "\n").encode()
    with storage(folder):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        write_atomic(folder / KEY, content)
        (folder / KEY).chmod(0o600)
    return hashlib.sha256(content).hexdigest()


def open_key(folder: Path, who: str, why: str, *, plan: str, answers: bytes = b"") -> Key:
    """Write down who unblinds the study, when and why; then return the key.

    Args:
        folder: where `write_key` put it.
        who: the name of whoever unblinds.
        why: what for, such as `final analysis`.
        plan: hash of the plan that the study was made from.
        answers: the answers as they are now, so that it can be shown that none came later.

    Raises:
        InputError: there is no readable key, or no name or reason.
        RefusedError: the key belongs to another plan.
        StorageError: the opening cannot be written down; then the key stays closed.
    """
    if not who.strip() or not why.strip():
        raise InputError("Unblinding is an act with a name and a reason", possible='Such as --who "A. Smith"')
    try:
        content = (folder / KEY).read_bytes()
        told = json.loads(content)
        images = tuple(KeyImage(**image) for image in told["images"])
        items = tuple(KeyItem(**{**item, "images": tuple(item["images"])}) for item in told["items"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"No key can be read in {folder}", got=error.__class__.__name__) from None
    if told["plan"] != plan:
        raise RefusedError("The key belongs to another plan", got=told["plan"], possible=f"The key of plan {plan}")
    found = hashlib.sha256(answers).hexdigest() if answers else ""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    act = Unblinding(who.strip(), at, why.strip(), plan, hashlib.sha256(content).hexdigest(), found)
    with storage(folder):
        append_durably(folder / LOG, [json.dumps(asdict(act), sort_keys=True)])
    return Key(plan, images, items)


def unblindings(folder: Path) -> Sequence[Unblinding]:
    """Return every opening of a key, in order."""
    path = folder / LOG
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [Unblinding(**json.loads(line)) for line in lines]
