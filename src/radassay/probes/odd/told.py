"""What kind of picture the metadata say it is."""

from __future__ import annotations


def told_kind(view: str, modality: str) -> str:
    """Return the kind that view and modality name, as `radassay.anatomy.kinds` calls it.

    Args:
        view: such as `PA`, `AP Supine`, `L`, `Axial`; may be empty.
        modality: such as `X-ray`, `CT`, `DX`; may be empty.

    Returns:
        `frontal`, `lateral`, `axial CT`, `reformatted CT`; `film` or `CT` where only that is known; else empty.
    """
    words = view.lower().replace("-", " ").replace("_", " ").split()
    first = words[0] if words else ""
    if first in ("l", "ll", "rl", "lat", "lateral", "rlat", "llat") or "lateral" in words:
        return "lateral"
    if first in ("pa", "ap", "frontal", "posteroanterior", "anteroposterior", "supine"):
        return "frontal"
    if first in ("axial", "transverse", "transaxial"):
        return "axial CT"
    if first in ("coronal", "sagittal"):
        return "reformatted CT"
    if modality.upper() == "CT":
        return "CT"
    return "film" if modality.upper().replace("-", "") in ("XRAY", "CR", "DX", "DR", "RG", "CXR") else ""


def contradicts(told: str, kind: str) -> bool:
    """Whether a kind that was seen cannot be what was told."""
    if not told:
        return False
    if told in ("film", "CT"):
        return kind == "none" or kind.endswith("CT") != (told == "CT")
    return told != kind
