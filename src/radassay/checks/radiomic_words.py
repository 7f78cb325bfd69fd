"""What some radiomic features say about an image, in words."""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """What a feature is about, and what more and less of it look like."""

    aspect: str
    more: str
    less: str


def _mirrored(words: Words) -> Words:
    return Words(words.aspect, words.less, words.more)


_TEXTURE = Words("fine texture", "grainier fine texture", "smoother fine texture")
_PATCHES = Words("patches of one grey", "larger patches of one grey", "patches of one grey smaller, more broken up")
_VARIETY = Words("variety of greys", "more different greys", "fewer different greys, more uniform")
_CONTRAST = Words(
    "contrast", "more contrast between dark and bright regions", "less contrast between dark and bright regions"
)
_BRIGHTNESS = Words("brightness", "brighter overall", "darker overall")
_DARKEST = Words("dark parts", "dark parts less dark", "dark parts darker")
_BRIGHTEST = Words("bright parts", "bright parts brighter", "bright parts less bright")
_LEAN = Words("lean of the greys", "mostly dark, with bright parts", "mostly bright, with dark parts")
_EXTREMES = Words("extreme greys", "more greys far from the usual", "fewer greys far from the usual")
_ORDER = Words("order of the texture", "neighbouring pixels go together more", "neighbouring pixels go together less")

_GROUPS: tuple[tuple[Words, tuple[str, ...]], ...] = (
    (_BRIGHTNESS, ("intensity mean", "intensity median", "GLCM joint average")),
    (_DARKEST, ("intensity 10th percentile",)),
    (_BRIGHTEST, ("intensity 90th percentile",)),
    (
        _CONTRAST,
        (
            "intensity variance",
            "intensity interquartile range",
            "intensity mean absolute deviation",
            "intensity robust mean absolute deviation",
            "GLCM cluster tendency",
        ),
    ),
    (_LEAN, ("intensity skewness",)),
    (_EXTREMES, ("intensity excess kurtosis",)),
    (_VARIETY, ("intensity histogram entropy",)),
    (_mirrored(_VARIETY), ("intensity histogram uniformity",)),
    (
        _TEXTURE,
        (
            "GLCM difference average",
            "GLCM difference variance",
            "GLCM contrast",
        ),
    ),
    (
        _mirrored(_TEXTURE),
        (
            "GLCM inverse difference",
            "GLCM normalised inverse difference",
            "GLCM inverse difference moment",
            "GLCM normalised inverse difference moment",
        ),
    ),
    (_ORDER, ("GLCM correlation",)),
    (
        _PATCHES,
        (
            "GLRLM long runs emphasis",
            "GLRLM run length variance",
            "GLSZM large zone emphasis",
            "GLSZM zone size variance",
            "NGLDM high dependence emphasis",
        ),
    ),
    (
        _mirrored(_PATCHES),
        (
            "GLRLM short runs emphasis",
            "GLRLM run percentage",
            "GLSZM small zone emphasis",
            "GLSZM zone percentage",
            "NGLDM low dependence emphasis",
        ),
    ),
)

WORDS: dict[str, Words] = {feature: words for words, features in _GROUPS for feature in features}
"""Words of the features that have a plain meaning, by the names of `radiomics.feature_set`.

Features that mix two aspects, such as dark and long runs, have none: they are counted but not named. So are minimum
and maximum, which single pixels decide, and the information correlations, which rise with noise because more cells of
the matrix are filled by chance.
"""
