"""One modality in a study: a CT slice among films is told apart at once, whoever made it."""

from __future__ import annotations

from collections.abc import Mapping

from radassay.errors import InputError
from radassay.images.imageset import ImageSet


def of_one_modality(sets: Mapping[str, ImageSet], modality: str) -> tuple[dict[str, ImageSet], str]:
    """Return both arms with images of one modality, and which it is; empty where neither arm names any.

    A set that names no modality is taken as it is. With a modality given, images of others and of none are left out of
    a set that names some; without one, all that is named must be the same.

    Args:
        sets: image set by arm.
        modality: as image sets name it, such as `X-ray` or `CT`; empty for the one that there is.

    Raises:
        InputError: there are several and none was given, or a set has no image of the one given.
    """
    named = {arm: sorted(set(images.table["modality"]) - {""}) for arm, images in sets.items()}
    there = sorted({one for names in named.values() for one in names})
    if modality:
        kept = {arm: images.where(modality=modality) if named[arm] else images for arm, images in sets.items()}
        for arm, images in kept.items():
            if len(images) == 0:
                what = f"The {arm} set holds no image of the modality"
                raise InputError(what, got=modality, possible=f"It holds {' and '.join(named[arm])}")
        return kept, modality
    if len(there) > 1:
        raise InputError(
            "The sets hold images of several modalities, which anybody can tell apart",
            got="; ".join(f"{arm}: {_counts(images)}" for arm, images in sets.items()),
            possible=f"Choose one as `modality`: {' or '.join(there)}",
        )
    return dict(sets), next(iter(there), "")


def _counts(images: ImageSet) -> str:
    counts = images.table["modality"].replace("", "unknown").value_counts().sort_index()
    return ", ".join(f"{count} {name}" for name, count in counts.items())
