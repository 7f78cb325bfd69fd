"""What lesions of one set lose by shrinking, summed up with intervals over patients."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import norm

from radassay.evidence.finding import Finding
from radassay.probes.shrinking.lesions import LEAST_PIXELS
from radassay.probes.shrinking.loss import SHARE_KEPT, Losses
from radassay.probes.shrinking.model import Model
from radassay.stats.detectability import detectability
from radassay.stats.detectable import detectable_difference
from radassay.stats.proportion import share
from radassay.stats.resample import percentile_interval

CHECK = "rescaling"
CAUTION = "Each lesion counts as one even shadow; fine signs inside it and smaller lesions need larger pictures"
METHOD = "bootstrap over patients, {} resamples, percentiles (Efron 1979)"
OBSERVER = "prewhitening matched filter, squared d' against native size (Barrett & Myers 2004)"
WIDTHS = np.geomspace(0.005, 0.4, 24)
"""Diameters of test lesions, share of the picture's width."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Loss:
    """What the lesions of one set lose, and how they were come by."""

    losses: Losses
    model: Model
    simulated: bool
    note: str
    """What a reader must know of where the lesions are from."""
    draws: tuple[NDArray[np.intp], ...]
    """Rows of each bootstrap resample of patients."""

    @property
    def kept(self) -> Numbers:
        """Return the mean share of information kept at each size of the curve, (grid,)."""
        return np.asarray(self.losses.kept.mean(axis=0))

    @property
    def resampled(self) -> Numbers:
        """Return the same in each resample, (resamples, grid)."""
        return np.stack([self.losses.kept[rows].mean(axis=0) for rows in self.draws])


def findings(name: str, loss: Loss, sizes: tuple[int, ...], training: int, rose: float) -> list[Finding]:
    """Return the findings of one set.

    Args:
        name: name of the set.
        loss: what its lesions lose.
        sizes: sizes asked about; those not below native are not run.
        training: the size that is judged.
        rose: Rose's criterion.
    """
    found: list[Finding] = []
    widths = smallest_lesions(loss)
    for size in sizes:
        found += _at_size(name, loss, size, rose, widths)
    found.append(_smallest_size(name, loss))
    return [*found, *_judged(name, loss, training)]


def _about(loss: Loss) -> dict[str, Any]:
    losses = loss.losses
    return {
        "check": CHECK,
        "n_patients": len(np.unique(losses.units)),
        "n_images": len(set(losses.names)),
        "reason": loss.note,
    }


def _at_size(name: str, loss: Loss, size: int, rose: float, widths: dict[int, float]) -> list[Finding]:
    losses, place = loss.losses, f"set={name}, size={size}"
    if size not in losses.sizes:
        why = f"The pictures are {losses.native} pixels already; {size} would not shrink them"
        names = ("detectability_kept", "detectability_kept_nearest", "contrast_kept", "lesions_lost", "smallest_lesion")
        return [Finding(check=CHECK, name=n, slice=place, reason=why) for n in names]
    about = {**_about(loss), "slice": place, "details": _details(loss, size)}
    column = losses.sizes.index(size)
    at, kind = losses.grid.index(size), METHOD.format(len(loss.draws))
    low, high = percentile_interval(loss.resampled[:, at])
    nearest = losses.nearest[:, column]
    near_low, near_high = percentile_interval([nearest[rows].mean() for rows in loss.draws])
    good: dict[str, Any] = {"unit": "share", "direction": "higher is better", "method": f"{OBSERVER}; {kind}"}
    return [
        Finding(name="detectability_kept", value=float(loss.kept[at]), low=low, high=high, **good, **about),
        Finding(
            name="detectability_kept_nearest",
            value=float(nearest.mean()),
            low=near_low,
            high=near_high,
            **good,
            **about,
        ),
        _contrast(loss, 1 + column, kind, about),
        _lost(loss, 1 + column, rose, about),
        _smallest_lesion(loss, widths[size], about),
    ]


def _details(loss: Loss, size: int) -> dict[str, Any]:
    losses = loss.losses
    known = losses.pixel_mm[np.isfinite(losses.pixel_mm)]
    details: dict[str, Any] = {"lesions": len(losses.names), "native": losses.native, "simulated": loss.simulated}
    if len(known):
        details |= {"native_pixel_mm": float(np.median(known))}
        details |= {"pixel_mm": float(np.median(known)) * losses.native / size}
    return details


def _contrast(loss: Loss, column: int, method: str, about: dict[str, Any]) -> Finding:
    """Return the contrast at a size against native: lesions summed, each in its native direction."""
    signed = loss.losses.contrast * np.sign(loss.losses.contrast[:, :1])
    usable = np.asarray(np.isfinite(signed).all(axis=1))
    what: dict[str, Any] = {"name": "contrast_kept", **about}
    if not usable.any() or signed[usable, 0].sum() <= 0:
        return Finding(**{**what, "reason": "No lesion has healthy lung around it, so contrast is not known"})

    def ratio(rows: NDArray[np.intp]) -> float:
        kept = rows[usable[rows]]
        whole = signed[kept, 0].sum()
        return float(signed[kept, column].sum() / whole) if whole > 0 else float("nan")

    low, high = percentile_interval([ratio(rows) for rows in loss.draws])
    value = ratio(np.arange(len(usable)))
    brighter = float((loss.losses.contrast[usable, 0] > 0).mean())
    what["details"] = {**about["details"], "brighter_than_ring": brighter}
    return Finding(value=value, low=low, high=high, unit="share", direction="higher is better", method=method, **what)


def _lost(loss: Loss, column: int, rose: float, about: dict[str, Any]) -> Finding:
    visible = loss.losses.visible(rose)
    before = visible[:, 0]
    what: dict[str, Any] = {"name": "lesions_lost", **about}
    if not before.any():
        return Finding(**{**what, "reason": "No lesion is visible at native size by Rose's criterion, d' of 5"})
    gone = share(~visible[before, column], loss.losses.units[before])
    details = {**about["details"], "visible_at_native": int(before.sum())}
    words = f"{gone.method}; lost: d' below {rose:g} (Rose 1948; Burgess 1999) or fewer than {LEAST_PIXELS} pixels"
    limits: dict[str, Any] = {"value": gone.value, "low": gone.low, "high": gone.high, "method": words}
    return Finding(**{**what, "details": details}, **limits, unit="share", direction="lower is better")


def smallest_lesions(loss: Loss) -> dict[int, float]:
    """Return for each size the diameter, share of the width, of a round lesion that just keeps its information.

    The background is that of the set, with the median variance around its lesions.
    """
    losses, model = loss.losses, loss.model
    noise = losses.noise[:, 0][np.isfinite(losses.noise[:, 0])]
    spectrum = model.background.spectrum((losses.native,) * 2, float(np.median(noise)) ** 2 if len(noise) else 400.0)
    along = np.arange(losses.native) - (losses.native - 1) / 2
    away = np.hypot(along[:, None], along[None, :])
    kept = []
    for radius in WIDTHS * losses.native / 2:
        soft = ndtr((radius - away) / max(model.softness * radius, 0.4))
        at = detectability(soft, spectrum, (losses.native, *losses.sizes))
        kept.append(at[1:] / at[0])
    down = np.array(kept)[::-1]
    return {size: crossing(WIDTHS[::-1], down[:, column]) for column, size in enumerate(losses.sizes)}


def _smallest_lesion(loss: Loss, share: float, about: dict[str, Any]) -> Finding:
    why = "Computed for round lesions from the mean spectrum of the background, so no interval is given"
    details = dict(about["details"])
    if "native_pixel_mm" in details:
        details["diameter_mm"] = share * loss.losses.native * details["native_pixel_mm"]
    reason = f"{about['reason']}. {why}" if about["reason"] else why
    unit: dict[str, Any] = {"unit": "% of the picture's width", "direction": "lower is better", "method": OBSERVER}
    return Finding(name="smallest_lesion", value=100 * share, **unit, **{**about, "details": details, "reason": reason})


def crossing(steps: Numbers, kept: Numbers, at_least: float = SHARE_KEPT) -> float:
    """Return where a curve over descending steps first falls below a share, interpolated on the logarithm of steps.

    The last step where it never does, the first where it is below at once.
    """
    below = np.flatnonzero(kept < at_least)
    if not len(below):
        return float(steps[-1])
    i = int(below[0])
    if i == 0:
        return float(steps[0])
    part = (kept[i - 1] - at_least) / (kept[i - 1] - kept[i])
    return float(math.exp(math.log(steps[i - 1]) + part * (math.log(steps[i]) - math.log(steps[i - 1]))))


def _smallest_size(name: str, loss: Loss) -> Finding:
    grid = np.array(loss.losses.grid, dtype=float)
    value = crossing(grid, loss.kept)
    low, high = percentile_interval([crossing(grid, kept) for kept in loss.resampled])
    enough = math.ceil(high)
    note = f"{loss.note}. " if loss.note else ""
    return Finding(
        name="smallest_size",
        value=value,
        low=min(low, value),
        high=max(high, value),
        unit="px",
        direction="lower is better",
        method=f"size that keeps {100 * SHARE_KEPT:.0f} %; {METHOD.format(len(loss.draws))}",
        slice=f"set={name}",
        details={"curve": [[int(s), float(k)] for s, k in zip(grid, loss.kept, strict=True)], "safe_size": enough},
        **{**_about(loss), "reason": f"{note}No less than {enough} px, to be on the safe side. {CAUTION}"},
    )


def _judged(name: str, loss: Loss, training: int) -> list[Finding]:
    """Return the loss at the training size and the smallest one that would surely fail."""
    losses = loss.losses
    what: dict[str, Any] = {"name": "information_lost", "slice": f"set={name}"}
    if loss.simulated:
        return [Finding(check=CHECK, reason=f"No lesions are outlined in this set; {_lower(loss.note)}", **what)]
    if training not in losses.sizes:
        why = f"The pictures are {losses.native} pixels already; {training} would not shrink them"
        return [Finding(check=CHECK, reason=why, **what)]
    at = losses.grid.index(training)
    value = float(1 - loss.kept[at])
    low, high = percentile_interval(1 - loss.resampled[:, at])
    about: dict[str, Any] = {**_about(loss), **what, "unit": "share", "direction": "lower is better"}
    about["reason"] = f"{loss.note}. {CAUTION}" if loss.note else CAUTION
    kind = f"{OBSERVER}; {METHOD.format(len(loss.draws))}; at {training} px"
    words = "normal theory, with the spread over patients at the size where these lesions lose as much as the bound"
    return [
        Finding(value=value, low=min(low, value), high=max(high, value), method=kind, **about),
        Finding(value=detectable_loss(loss), role="limit", control="true effect", method=words, **about),
    ]


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def detectable_loss(loss: Loss, bound: float = 1 - SHARE_KEPT) -> float:
    """Return the smallest mean loss whose whole interval would lie above the bound 95 times in 100, at most 1.

    How much a loss differs between patients grows with the loss, so the spread is taken at the size on the curve where
    these lesions lose the bound; if they never do, the spread is the largest possible: all or nothing.
    """
    beyond = np.flatnonzero(1 - loss.kept >= bound)
    if len(beyond):
        low, high = percentile_interval(1 - loss.resampled[:, beyond[0]])
        half = (high - low) / 2
    else:
        half = float(norm.ppf(0.975)) * math.sqrt(bound * (1 - bound) / len(np.unique(loss.losses.units)))
    return min(1.0, detectable_difference(half, bound))


def table_rows(name: str, loss: Loss, rose: float) -> pd.DataFrame:
    """Return one row for each lesion and size, native size first."""
    losses = loss.losses
    visible, cnr = losses.visible(rose), losses.cnr()
    parts = []
    for column, size in enumerate((losses.native, *losses.sizes)):
        kept = np.ones(len(losses.names)) if column == 0 else losses.kept[:, losses.grid.index(size)]
        parts.append(
            pd.DataFrame(
                {
                    "set": name,
                    "image": losses.names,
                    "lesion": losses.numbers,
                    "size": size,
                    "simulated": loss.simulated,
                    "width_share": losses.wide,
                    "pixel_mm": losses.pixel_mm * losses.native / size,
                    "pixels": losses.pixels[:, column].astype(int),
                    "contrast": losses.contrast[:, column],
                    "cnr": cnr[:, column],
                    "dprime": losses.dprime[:, column],
                    "detectability_kept": kept,
                    "visible": visible[:, column],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
