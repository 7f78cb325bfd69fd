"""Radiomic features are those of the IBSI's digital phantom and of pyradiomics."""

import json

import numpy as np
import pytest
from pyradiomics_values import FILE, pictures

from radassay.radiomics.cooccurrence import cooccurrence
from radassay.radiomics.intensity import histogram, statistics
from radassay.radiomics.levels import fixed_width
from radassay.radiomics.neighbourhood import dependences, tone_differences
from radassay.radiomics.runs import runs
from radassay.radiomics.shape import shape
from radassay.radiomics.zones import zones

PHANTOM = np.array(
    [
        [[1, 4, 4, 1, 1], [1, 4, 6, 1, 1], [4, 1, 6, 4, 1], [4, 4, 6, 4, 1]],
        [[1, 4, 4, 1, 1], [1, 1, 6, 1, 1], [0, 1, 3, 1, 1], [4, 4, 6, 1, 1]],
        [[1, 4, 4, 0, 0], [1, 1, 1, 1, 1], [1, 1, 0, 1, 1], [1, 1, 6, 1, 1]],
        [[1, 4, 4, 0, 0], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 6, 1, 1]],
    ],
    dtype=np.uint8,
)
"""The digital phantom of the IBSI, slice by slice; 0 lies outside the region (reference manual, section 5.1)."""
IBSI_STATISTICS = {
    "mean": 2.15,
    "variance": 3.05,
    "skewness": 1.08,
    "excess kurtosis": -0.355,
    "median": 1,
    "minimum": 1,
    "10th percentile": 1,
    "90th percentile": 4,
    "maximum": 6,
    "interquartile range": 3,
    "range": 5,
    "mean absolute deviation": 1.55,
    "robust mean absolute deviation": 1.11,
    "median absolute deviation": 1.15,
    "coefficient of variation": 0.812,
    "quartile coefficient of dispersion": 0.6,
    "energy": 567,
    "root mean square": 2.77,
    "histogram entropy": 1.27,
    "histogram uniformity": 0.512,
}
IBSI_COOCCURRENCE = {
    "joint maximum": (0.519, 0.512),
    "joint average": (2.14, 2.14),
    "joint variance": (2.69, 2.71),
    "joint entropy": (2.05, 2.24),
    "difference average": (1.42, 1.4),
    "difference variance": (2.9, 3.06),
    "difference entropy": (1.4, 1.49),
    "sum entropy": (1.6, 1.79),
    "angular second moment": (0.368, 0.352),
    "contrast": (5.28, 5.19),
    "inverse difference": (0.678, 0.683),
    "normalised inverse difference": (0.851, 0.854),
    "inverse difference moment": (0.619, 0.625),
    "normalised inverse difference moment": (0.899, 0.901),
    "inverse variance": (0.0567, 0.0553),
    "correlation": (-0.0121, 0.0173),
    "autocorrelation": (5.09, 5.14),
    "cluster tendency": (5.47, 5.66),
    "cluster shade": (7, 6.98),
    "cluster prominence": (79.1, 80.4),
    "information correlation 1": (-0.155, -0.0341),
    "information correlation 2": (0.487, 0.263),
}
IBSI_RUNS = {
    "small": (0.641, 0.661),
    "large": (3.78, 3.51),
    "low": (0.604, 0.609),
    "high": (9.82, 9.74),
    "small low": (0.294, 0.311),
    "small high": (8.57, 8.67),
    "large low": (3.14, 2.92),
    "large high": (17.4, 16.1),
    "level non-uniformity": (5.2, 20.5),
    "normalised level non-uniformity": (0.46, 0.456),
    "size non-uniformity": (6.12, 21.6),
    "normalised size non-uniformity": (0.492, 0.441),
    "percentage": (0.627, 0.627),
    "level variance": (3.35, 3.37),
    "size variance": (0.761, 0.778),
    "entropy": (2.17, 2.57),
}
IBSI_ZONES = {
    "small": 0.363,
    "large": 43.9,
    "low": 0.371,
    "high": 16.4,
    "small low": 0.0259,
    "small high": 10.3,
    "large low": 40.4,
    "large high": 113,
    "level non-uniformity": 1.41,
    "normalised level non-uniformity": 0.323,
    "size non-uniformity": 1.49,
    "normalised size non-uniformity": 0.333,
    "percentage": 0.24,
    "level variance": 3.97,
    "size variance": 21,
    "entropy": 1.93,
}
IBSI_TONES = {"coarseness": 0.121, "contrast": 0.925, "busyness": 2.99, "complexity": 10.4, "strength": 2.88}
IBSI_DEPENDENCES = {
    "small": 0.158,
    "large": 19.2,
    "low": 0.702,
    "high": 7.49,
    "small low": 0.0473,
    "small high": 3.06,
    "large low": 17.6,
    "large high": 49.5,
    "level non-uniformity": 10.2,
    "normalised level non-uniformity": 0.562,
    "size non-uniformity": 3.96,
    "normalised size non-uniformity": 0.212,
    "percentage": 1,
    "level variance": 2.7,
    "size variance": 2.73,
    "entropy": 2.71,
    "energy": 0.17,
}
"""Benchmark values for `dig. phantom` by slice, (2D averaged, 2D slice-merged) where they differ: IBSI reference
manual, chapter 3, consensus strong or very strong; given to three digits."""


def rounded(value):
    return float(f"{value:.3g}")


def test_statistics_of_the_digital_phantom():
    volume = PHANTOM.reshape(1, 16, 5)
    found = statistics(volume.astype(np.float64), volume > 0) | histogram(volume, 6)
    assert {name: rounded(found[name][0]) for name in IBSI_STATISTICS} == IBSI_STATISTICS
    # The manual gives the slopes of the histogram as counts of the 74 voxels.
    assert found["maximum histogram gradient"][0] * 74 == pytest.approx(8)
    assert found["minimum histogram gradient"][0] * 74 == pytest.approx(-50)


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize(("features", "wanted"), [(cooccurrence, IBSI_COOCCURRENCE), (runs, IBSI_RUNS)])
def test_directed_textures_of_the_digital_phantom(features, wanted, merged):
    found = features(PHANTOM, 6, merged)
    assert {name: rounded(found[name].mean()) for name in wanted} == {n: pair[merged] for n, pair in wanted.items()}


@pytest.mark.parametrize(
    ("features", "wanted"),
    [(zones, IBSI_ZONES), (tone_differences, IBSI_TONES), (dependences, IBSI_DEPENDENCES)],
)
def test_other_textures_of_the_digital_phantom(features, wanted):
    found = features(PHANTOM, 6)
    assert {name: rounded(found[name].mean()) for name in wanted} == wanted


NAMES_COOCCURRENCE = {
    "Autocorrelation": "autocorrelation",
    "ClusterProminence": "cluster prominence",
    "ClusterShade": "cluster shade",
    "ClusterTendency": "cluster tendency",
    "Contrast": "contrast",
    "Correlation": "correlation",
    "DifferenceAverage": "difference average",
    "DifferenceEntropy": "difference entropy",
    "DifferenceVariance": "difference variance",
    "Id": "inverse difference",
    "Idm": "inverse difference moment",
    "Idmn": "normalised inverse difference moment",
    "Idn": "normalised inverse difference",
    "Imc1": "information correlation 1",
    "Imc2": "information correlation 2",
    "InverseVariance": "inverse variance",
    "JointAverage": "joint average",
    "JointEnergy": "angular second moment",
    "JointEntropy": "joint entropy",
    "MaximumProbability": "joint maximum",
    "SumEntropy": "sum entropy",
    "SumSquares": "joint variance",
}
NAMES_TALLY = {
    "GrayLevelNonUniformity": "level non-uniformity",
    "GrayLevelNonUniformityNormalized": "normalised level non-uniformity",
    "GrayLevelVariance": "level variance",
    "HighGrayLevel{}Emphasis": "high",
    "LowGrayLevel{}Emphasis": "low",
    "{large}Emphasis": "large",
    "{large}HighGrayLevelEmphasis": "large high",
    "{large}LowGrayLevelEmphasis": "large low",
    "{small}Emphasis": "small",
    "{small}HighGrayLevelEmphasis": "small high",
    "{small}LowGrayLevelEmphasis": "small low",
    "{size}NonUniformity": "size non-uniformity",
    "{size}NonUniformityNormalized": "normalised size non-uniformity",
    "{size}Variance": "size variance",
}
NAMES_TONES = {name.capitalize(): name for name in IBSI_TONES}
NAMES_STATISTICS = {
    "10Percentile": "10th percentile",
    "90Percentile": "90th percentile",
    "Energy": "energy",
    "InterquartileRange": "interquartile range",
    "Maximum": "maximum",
    "Mean": "mean",
    "MeanAbsoluteDeviation": "mean absolute deviation",
    "Median": "median",
    "Minimum": "minimum",
    "Range": "range",
    "RobustMeanAbsoluteDeviation": "robust mean absolute deviation",
    "RootMeanSquared": "root mean square",
    "Skewness": "skewness",
    "Variance": "variance",
}
NAMES_SHAPE = {
    "Elongation": "elongation",
    "MajorAxisLength": "major axis length",
    "MaximumDiameter": "maximum diameter",
    "MeshSurface": "mesh area",
    "MinorAxisLength": "minor axis length",
    "Perimeter": "perimeter",
    "PerimeterSurfaceRatio": "perimeter to area ratio",
    "PixelSurface": "pixel area",
    "Sphericity": "circularity",
}


def tally_names(large, small, size, thing="", **more):
    """Names of pyradiomics for one family of tallies."""
    named = {name.replace("{}", thing): ours for name, ours in NAMES_TALLY.items()}
    return {name.format(large=large, small=small, size=size): ours for name, ours in named.items()} | more


NAMES_RUNS = tally_names("LongRun", "ShortRun", "RunLength", "Run", RunEntropy="entropy", RunPercentage="percentage")
NAMES_RUNS["RunVariance"] = NAMES_RUNS.pop("RunLengthVariance")
NAMES_ZONES = tally_names(
    "LargeArea", "SmallArea", "SizeZone", "Zone", ZonePercentage="percentage", ZoneEntropy="entropy"
)
NAMES_ZONES["ZoneVariance"] = NAMES_ZONES.pop("SizeZoneVariance")
NAMES_DEPENDENCES = tally_names("LargeDependence", "SmallDependence", "Dependence", DependenceEntropy="entropy")
"""pyradiomics has no normalised level non-uniformity of dependences; it is the histogram's uniformity."""
del NAMES_DEPENDENCES["GrayLevelNonUniformityNormalized"]


@pytest.fixture(scope="module", params=list(pictures()))
def compared(request):
    """Ours and pyradiomics' features of one picture, family by family."""
    whole, mask = pictures()[request.param]
    peer = json.loads(FILE.read_text())[request.param]
    levels = fixed_width(whole[None] / 256.0, 32, mask=mask[None])
    return whole[None].astype(float), mask[None], levels, peer


def same(ours, peer, names, rel=1e-6):
    assert {name: peer[name] for name in names} == pytest.approx(
        {name: float(ours[mine][0]) for name, mine in names.items()}, rel=rel, abs=1e-10
    )


def test_statistics_are_those_of_pyradiomics(compared):
    pixels, mask, levels, peer = compared
    ours = statistics(pixels, mask)
    same(ours, peer["firstorder"], NAMES_STATISTICS)
    assert ours["excess kurtosis"][0] + 3 == pytest.approx(peer["firstorder"]["Kurtosis"], rel=1e-6)
    same(
        histogram(levels, 32),
        peer["firstorder"],
        {"Entropy": "histogram entropy", "Uniformity": "histogram uniformity"},
    )


@pytest.mark.parametrize("merged", [False, True])
def test_cooccurrence_is_that_of_pyradiomics(compared, merged):
    _, _, levels, peer = compared
    same(cooccurrence(levels, 32, merged), peer["glcm merged" if merged else "glcm"], NAMES_COOCCURRENCE)


@pytest.mark.parametrize("merged", [False, True])
def test_runs_are_those_of_pyradiomics(compared, merged):
    _, _, levels, peer = compared
    same(runs(levels, 32, merged), peer["glrlm merged" if merged else "glrlm"], NAMES_RUNS)


def test_zones_are_those_of_pyradiomics(compared):
    _, _, levels, peer = compared
    same(zones(levels, 32), peer["glszm"], NAMES_ZONES)


def test_dependences_are_those_of_pyradiomics(compared):
    _, _, levels, peer = compared
    same(dependences(levels, 32), peer["gldm"], NAMES_DEPENDENCES)


def test_tone_differences_are_those_of_pyradiomics(compared):
    _, _, levels, peer = compared
    same(tone_differences(levels, 32), peer["ngtdm"], NAMES_TONES)


def test_shape_is_that_of_pyradiomics(compared):
    _, mask, _, peer = compared
    same(shape(mask), peer["shape"], NAMES_SHAPE)
