"""Zones: connected patches of one grey level (GLSZM, IBSI 3.8)."""

from __future__ import annotations

import numpy as np
from skimage import measure

from radassay.radiomics.intensity import Features
from radassay.radiomics.levels import Levels
from radassay.radiomics.tallies import Tally


def zones(levels: Levels, n_levels: int) -> Features:
    """Return the size zone features, (n,) each, named as in `tallies.FORMS`.

    Pixels that touch by side or corner belong together. All images are labelled at once, one below the other with an
    empty row between.

    Args:
        levels: (n, height, width); no region is empty.
        n_levels: levels that there may be.
    """
    n, height, width = levels.shape
    tall = np.zeros((n, height + 1, width), dtype=np.uint8)
    tall[:, :height] = levels
    tall = tall.reshape(n * (height + 1), width)
    patches = measure.label(tall, background=0, connectivity=2).ravel()  # type: ignore[no-untyped-call]
    grey, size = tall.ravel(), np.bincount(patches)
    # Every pixel of a patch writes the same level and image into its place.
    level, image = np.empty(len(size), dtype=np.intp), np.empty(len(size), dtype=np.intp)
    level[patches] = grey
    image[patches] = np.arange(len(grey)) // ((height + 1) * width)
    code = (image * n_levels + level - 1) * (height * width) + size - 1
    pixels = (levels.reshape(n, -1) > 0).sum(axis=1).astype(np.float64)
    return Tally.of_codes(code[1:], (n, n_levels, height * width), dense=False).features(pixels)
