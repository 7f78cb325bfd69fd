"""Detectability and lost lesions against size, and a few lesions as smaller pictures show them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from radassay.probes.shrinking.findings import Loss
from radassay.probes.shrinking.lesions import Cases, Lesion, lesions
from radassay.probes.shrinking.loss import FINEST, SHARE_KEPT
from radassay.stats.detectability import rescaled
from radassay.stats.proportion import share

STYLE: Any = {
    # From the defaults, so that nobody's own matplotlibrc changes the bytes.
    **{k: v for k, v in matplotlib.rcParamsDefault.items() if not k.startswith("backend")},
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
}
LINES = (("#0b5cad", "-", "o"), ("#b3541e", "--", "s"), ("#3f7d3a", "-.", "^"), ("#6b4fa0", ":", "D"))
STRIP = (0.1, 0.5)
"""Lesions shown: the ones at these quantiles of size."""


class Shown(NamedTuple):
    """One set, what its lesions lose, and its pictures."""

    name: str
    loss: Loss
    cases: Cases


def drawn(shown: Sequence[Shown], rose: float) -> tuple[dict[str, bytes], dict[str, str]]:
    """Return the pictures as PNG bytes by name, and what each shows."""
    pictures = {"rescaling-curve": _curves(shown, rose)}
    captions = {
        "rescaling-curve": "Left: share of the information on a lesion (squared detectability of the best linear "
        "observer) that is left when pictures are shrunk, mean over lesions with 95 % bands over patients; the thin "
        f"line is {100 * SHARE_KEPT:.0f} %. Right: share of the lesions seen at native size that are lost, by Rose's "
        "criterion or for want of pixels. Sets without outlined lesions share a line of simulated ones"
    }
    best = next((one for one in shown if not one.loss.simulated), shown[0])
    if best.loss.losses.sizes:
        pictures["rescaling-strip"] = _strip(best, rose)
        kind = "simulated lesion" if best.loss.simulated else f"lesion of {best.name}"
        captions["rescaling-strip"] = (
            f"A small and a middling {kind}, outlined at the left at native size, and what is left of it in pictures "
            "shrunk to the size named above; each square pixel is one pixel of the smaller picture"
        )
    return pictures, captions


def _curves(shown: Sequence[Shown], rose: float) -> bytes:
    groups: dict[int, tuple[Loss, list[str]]] = {}
    for one in shown:
        groups.setdefault(id(one.loss), (one.loss, []))[1].append(one.name)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.2, 3.5), layout="constrained")
        left, right = figure.subplots(1, 2)
        for number, (loss, names) in enumerate(groups.values()):
            colour, dash, mark = LINES[number % len(LINES)]
            look: dict[str, Any] = {"color": colour, "ls": dash, "lw": 1.6}
            grid = loss.losses.grid
            low, high = np.quantile(loss.resampled, [0.025, 0.975], axis=0)
            words = ", ".join(names) + (" (simulated)" if loss.simulated else "")
            left.plot(grid, 100 * loss.kept, label=words, **look)
            left.fill_between(grid, 100 * low, 100 * high, color=colour, alpha=0.18, lw=0)
            _lost(right, loss, rose, {**look, "marker": mark, "ms": 4})
        left.axhline(100 * SHARE_KEPT, color="#1b1f24", lw=0.7)
        left.set(ylabel="information kept, %", ylim=(0, 103))
        right.set(ylabel="lesions lost, %", ylim=(-2, 103))
        ticks = [2**k for k in range(4, 11) if FINEST <= 2**k <= max(one.loss.losses.native for one in shown)]
        for axes in (left, right):
            axes.set_xscale("log")
            axes.set_xticks(ticks, [str(t) for t in ticks])
            axes.minorticks_off()
            axes.set_xlabel("side of the picture, pixels")
            axes.spines[["top", "right"]].set_visible(False)
        right.set_xlim(left.get_xlim())
        figure.legend(loc="outside upper center", frameon=False, ncols=1)
        return _png(figure)


def _lost(axes: Axes, loss: Loss, rose: float, look: dict[str, Any]) -> None:
    visible, losses = loss.losses.visible(rose), loss.losses
    before = visible[:, 0]
    if not before.any():
        return
    found = [share(~visible[before, c], losses.units[before]) for c in range(visible.shape[1])]
    sizes = [losses.native, *losses.sizes]
    axes.plot(sizes, [100 * f.value for f in found], **look)
    axes.fill_between(
        sizes, [100 * f.low for f in found], [100 * f.high for f in found], color=look["color"], alpha=0.18, lw=0
    )


def _strip(one: Shown, rose: float) -> bytes:
    chosen = _chosen(one, rose)
    sizes = one.loss.losses.sizes
    with matplotlib.rc_context(STYLE):
        wide = 1.9
        figure = Figure(figsize=(wide * (1 + len(sizes)), (wide + 0.2) * len(chosen)), layout="constrained")
        for row, axes in enumerate(np.atleast_2d(figure.subplots(len(chosen), 1 + len(sizes), squeeze=False))):
            for column, size in enumerate((one.loss.losses.native, *sizes)):
                _patch(axes[column], chosen[row], size)
                if row == 0:
                    axes[column].set_title(f"{size} px" + (" (native)" if column == 0 else ""), fontsize=9)
        return _png(figure)


def _chosen(one: Shown, rose: float) -> list[Lesion]:
    """Return the lesions at the quantiles of size, among those visible at native size as something bright."""
    losses = one.loss.losses
    usable = np.flatnonzero(losses.visible(rose)[:, 0] & (losses.contrast[:, 0] > 0))
    usable = usable if len(usable) else np.arange(len(losses.names))
    order = usable[np.argsort(losses.wide[usable], kind="stable")]
    picks = [order[round(q * (len(order) - 1))] for q in STRIP]
    wanted = [(losses.names[i], losses.numbers[i]) for i in dict.fromkeys(picks)]
    names = {name for name, _ in wanted}
    found = {
        (case.name, lesion.number): lesion for case in one.cases() if case.name in names for lesion in lesions(case)
    }
    return [found[key] for key in wanted]


def _patch(axes: Axes, lesion: Lesion, size: int) -> None:
    """Draw the lesion and as much around it, as a picture shrunk to this size shows it."""
    height, width = lesion.inside.shape
    rows, columns = np.nonzero(lesion.inside)
    half = max(float(np.ptp(rows)), float(np.ptp(columns)), 8.0) * 0.75
    # the window stays within the picture where it fits
    middle = tuple(
        float(np.clip(at.mean(), min(half, side / 2), max(side - half, side / 2)))
        for at, side in ((rows, height), (columns, width))
    )
    shrunk = rescaled(lesion.case.picture, size)
    low, high = np.quantile(_window(lesion.case.picture, middle, half), [0.01, 0.99])
    extent = (0.0, float(width), float(height), 0.0)
    axes.imshow(shrunk, cmap="gray", vmin=float(low), vmax=float(high), extent=extent, interpolation="nearest")
    if size >= max(height, width):
        axes.contour(
            np.arange(width) + 0.5,
            np.arange(height) + 0.5,
            lesion.inside,
            levels=[0.5],
            colors="#ffb000",
            linewidths=1.0,
        )
    axes.set(xlim=(middle[1] - half, middle[1] + half), ylim=(middle[0] + half, middle[0] - half))
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_facecolor("black")


def _window(picture: NDArray[np.floating[Any]], middle: tuple[float, ...], half: float) -> NDArray[np.floating[Any]]:
    top, left = (max(0, int(m - half)) for m in middle)
    return picture[top : int(middle[0] + half) + 1, left : int(middle[1] + half) + 1]


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120, metadata={"Software": None})
    return buffer.getvalue()
