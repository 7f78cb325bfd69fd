"""Where on the picture a linear model looks: the share outside the lungs, and a map of its weights."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from radassay.probes.shortcuts.forest import STYLE, png
from radassay.stats.crossvalidated import Estimate, Question
from radassay.stats.discriminant import Discriminant

RANDOM = 20
"""Models of shuffled labels that the share is held against."""
MARGIN = 0.05
"""By how much the lungs are dilated, share of the picture's side."""


def dilated(lungs: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return outlines, (n, side, side), grown by the margin on all sides."""
    pixels = max(1, round(MARGIN * lungs.shape[1]))
    reach = np.hypot(*np.mgrid[-pixels : pixels + 1, -pixels : pixels + 1]) <= pixels
    return np.stack([binary_dilation(lung, reach) for lung in lungs]) if len(lungs) else lungs


def share_outside(
    question: Question, model: Discriminant, features: NDArray[np.float64], outside: NDArray[np.bool_]
) -> Estimate:
    """Return the share of the attribution that lies outside, less that of models of shuffled labels (T6).

    The attribution of a pixel is the weight, of the model that never saw the image, times how far the pixel is from
    its mean: exact for linear models (as for Shapley values of independent features; Lundberg & Lee 2017, section 4).

    Args:
        question: labels, shuffled labels and folds.
        model: the discriminant of `features`.
        features: (n, d) pixels.
        outside: (n, d) whether a pixel is outside the lungs.
    """
    fold, columns = question.fold[0], 1 + min(RANDOM, question.targets.shape[1] - 1)
    weights = model.weights(question.targets[:, :columns].astype(np.float64), fold)
    away = np.abs(features - features.mean(axis=0))
    shares = np.empty((columns, len(features)))
    for k in np.unique(fold):
        test = fold == k
        size = np.abs(weights[k])
        whole = away[test] @ size
        shares[:, test] = ((away[test] * outside[test]) @ size / np.maximum(whole, 1e-300)).T
    clusters = int(question.patients.max()) + 1
    mean = shares.mean(axis=1)
    # the models of shuffled labels are other models of the same images, so that what the images share cancels
    excess = shares - shares[1:].mean(axis=0) if columns > 1 else shares
    centred = excess - excess.mean(axis=1, keepdims=True)
    moved = np.stack([np.bincount(question.patients, row, minlength=clusters) for row in centred]) / len(features)
    units = len(np.unique(question.patients))
    return Estimate(mean - mean[1:].mean() if columns > 1 else mean, moved, units // 2, units - units // 2)


def chart(
    question: Question, model: Discriminant, small: NDArray[np.float64], lungs: NDArray[np.bool_] | None, label: str
) -> bytes:
    """Return the mean picture and, over it, where brighter or darker pixels speak for the label.

    Args:
        question: labels and folds.
        model: the discriminant of the pixels of `small`.
        small: (n, side, side) thumbnails.
        lungs: (n, side, side) outlines, or None.
        label: what the model looks for.
    """
    side = small.shape[1]
    weights = model.weights(question.targets[:, :1].astype(np.float64), question.fold[0])[:, :, 0].mean(axis=0)
    effect = (weights * small.reshape(len(small), -1).std(axis=0)).reshape(side, side)
    most = float(np.abs(effect).max()) or 1.0
    mean = small.mean(axis=0)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.2, 3.6), layout="constrained")
        first, second = figure.subplots(1, 2)
        _picture(first, mean, "Mean of all pictures")
        _picture(second, mean, f"What speaks for {label[-40:]}")
        drawn = second.imshow(
            effect, cmap="RdBu_r", vmin=-most, vmax=most, alpha=np.clip(np.abs(effect) / most * 1.6, 0, 0.95)
        )
        bar = figure.colorbar(drawn, ax=second, shrink=0.85, ticks=[-0.9 * most, 0, 0.9 * most])
        bar.ax.set_yticklabels(["darker", "either", "brighter"])
        if lungs is not None and 0 < lungs.mean() < 1:
            for axes in (first, second):
                axes.contour(lungs.mean(axis=0), levels=[0.5], colors="#f2b134", linewidths=1.4)
        return png(figure)


def _picture(axes: Axes, mean: NDArray[np.float64], title: str) -> None:
    look: dict[str, Any] = {"cmap": "gray", "vmin": 0, "vmax": max(float(mean.max()), 1e-6)}
    axes.imshow(mean, **look)
    axes.set_title(title, fontsize=9)
    axes.set(xticks=[], yticks=[])
