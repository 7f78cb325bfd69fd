"""A realistic sealed run made of invented findings and drawn pictures, for every test of the report."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from radassay.checklists.judge import judge
from radassay.checklists.rules import read_rules
from radassay.evidence.finding import Finding
from radassay.evidence.run import Run
from radassay.report.build import Report, build

SHARE = "share of synthetic images"
MAKERS: dict[str, tuple[str, tuple[float, ...]]] = {
    "copies": (SHARE, (0.01, 0.02, 0.05, 0.1, 0.2)),
    "collapse": (SHARE, (0.05, 0.1, 0.2, 0.4, 0.8)),
    "blur": ("pixels (sigma)", (0.3, 0.5, 0.75, 1.0, 2.0)),
    "shuffled-labels": (SHARE, (0.05, 0.1, 0.25, 0.5, 1.0)),
    "corner-marker": ("share of positive synthetic images", (0.05, 0.1, 0.25, 0.5, 1.0)),
    "corner-marker-real": ("share of positive real images", (0.05, 0.1, 0.25, 0.5, 1.0)),
    "shared-images": ("share of held-out images", (0.01, 0.02, 0.05, 0.1, 0.2)),
}
BOOT = "bootstrap over patients, 500 resamples"
IN_SYNTHETIC = ("copies", "collapse", "blur", "shuffled-labels", "corner-marker")


SHARED = {
    "pairs": [["a1", "b1", 1.0], ["a2", "b2", 0.998], ["a3", "b3", 0.991]],
    "sources": [[f"training: COVID-19/{i}.jpeg", f"cohen-cxr: images/00{i}-1.jpg"] for i in (31, 44, 102)],
}
SPACE = {"encoder": "random-conv 3f2a91c0be77", "space": "whitened by the training images"}


def measured(check: str, name: str, value: float | None, half: float | None = None, **fields: Any) -> Finding:
    if value is not None and half is not None:
        fields = {"low": value - half, "high": value + half, "method": BOOT, **fields}
    return Finding(check=check, name=name, value=value, **{"n_patients": 312, "n_images": 400, **fields})


def controls(
    check: str, name: str, floor: tuple[float, float, float], slopes: dict[str, float], unit: str = ""
) -> list[Finding]:
    """Return floor, planted values on a straight line with these slopes at the largest dose, and limits."""
    mean, low, high = floor
    base: dict[str, Any] = {"check": check, "name": name, "n_patients": 312, "n_images": 400}
    found = [Finding(**base, value=mean, low=low, high=high, role="floor", unit=unit)]
    for control, slope in slopes.items():
        dose_unit, doses = MAKERS[control]
        for dose in doses:
            value = mean + slope * dose / doses[-1]
            spread = (high - low) / 3
            fields = {"low": value - spread, "high": value + spread, "details": {"dose_unit": dose_unit}}
            found.append(Finding(**base, **fields, value=value, role="planted", control=control, dose=dose, unit=unit))
    for control, slope in slopes.items():
        dose_unit, doses = MAKERS[control]
        reach = (high - low) / abs(slope) * doses[-1] if slope else np.inf
        seen = float(max(reach, doses[0])) if reach < doses[-1] else None
        reason = "" if seen is not None else f"not seen up to {doses[-1]:g} {dose_unit}"
        found.append(Finding(**base, value=seen, reason=reason, role="limit", control=control, unit=dose_unit))
    return found


def realistic(border: float = 0.94, kid: float = 0.012, copies: float = 0.01, patients: bool = True) -> list[Finding]:
    """Return what a whole run finds; the arguments are the numbers that decide the verdict."""
    f: list[Finding] = [
        measured("import", "accepted", 1102.0, unit="files", slice="set=darkcovidnet", n_patients=None, n_images=None),
        measured("import", "accepted_with_a_warning", 21.0, unit="files", slice="set=darkcovidnet", n_patients=None),
        measured("import", "rejected", 2.0, unit="files", slice="set=darkcovidnet", n_patients=None, n_images=None),
        measured("generation", "n_synthetic", 400.0, unit="images", n_patients=None, method="count, exact"),
        measured("integrity", "smallest_class", 125.0, unit="patients", reason="counted, not estimated"),
        measured("integrity", "duplicate_share", 0.012, 0.008, unit="share of images"),
        measured("integrity", "upsampled_share", 0.31, 0.05, unit="share of images"),
        measured("leakage", "shared_images", 0.0, unit="pairs"),
        measured("leakage", "shared_with_others", 214.0, unit="pairs", details=SHARED),
    ]
    if patients:
        f.append(measured("leakage", "shared_patients", 0.0, unit="patients"))
    else:
        f.append(measured("leakage", "shared_patients", None, reason="the patient of no image is known"))
    f += controls("leakage", "shared_images", (0.0, 0.0, 0.0), {"shared-images": 80.0}, "pairs")
    for name, value in {"auc_border": border, "auc_lungs_out": 0.88, "auc_shape": 0.62, "auc_full": 0.97}.items():
        low, high = value - 0.021, min(value + 0.018, 1.0)
        f.append(measured("shortcut", name, value, low=low, high=high, method=BOOT, unit="AUC"))
    f.append(measured("shortcut", "auc_null", 0.5, 0.06, unit="AUC", method="range of 100 permutations"))
    f.append(measured("shortcut", "auc_site", None, reason="the site is known of 0% of the images, 0 sites"))
    f.append(measured("shortcut", "auc_border", border - 0.03, 0.024, unit="AUC", slice="synthetic"))
    f += controls("shortcut", "auc_border", (0.5, 0.44, 0.56), {"corner-marker-real": 0.48}, "AUC")
    f += controls("shortcut", "auc_lungs_out", (0.5, 0.43, 0.57), {"corner-marker-real": 0.42}, "AUC")
    f.append(measured("fidelity", "kid", kid, 0.0021, details=SPACE))
    f.append(measured("fidelity", "frechet", 3.81, 0.4, reason="fewer patients than twice the features"))
    f.append(measured("fidelity", "label_agreement", 0.86, 0.03))
    f.append(measured("fidelity", "kid_training", kid * 0.94, 0.0022))
    kids = {"copies": 0.0, "collapse": 0.03, "blur": 0.05, "shuffled-labels": 0.0, "corner-marker": 0.009}
    f += controls("fidelity", "kid", (0.0002, -0.0008, 0.0012), kids)
    f += controls("fidelity", "label_agreement", (0.9, 0.86, 0.94), {"shuffled-labels": -0.4, "blur": -0.1})
    for name, value in {"precision": 0.71, "recall": 0.44, "density": 0.66, "coverage": 0.71}.items():
        f.append(measured("coverage", name, value, 0.045))
    f += controls("coverage", "recall", (0.74, 0.66, 0.81), {"collapse": -0.6, "blur": -0.5, "copies": 0.0})
    f += controls("coverage", "coverage", (0.92, 0.88, 0.95), {"collapse": -0.7, "blur": -0.55})
    pairs = {"pairs": [["gen-1", "img-9", 0.1], ["gen-2", "img-4", 0.14]]}
    f.append(measured("memorisation", "copy_share", copies, low=0.0, high=copies + 0.018, unit=SHARE, details=pairs))
    f.append(measured("memorisation", "nearest_ratio", 1.04, 0.03))
    f.append(measured("memorisation", "authenticity", 0.58, 0.05, unit="share of images"))
    f += controls("memorisation", "copy_share", (0.01, 0.0, 0.025), {"copies": 0.2, "collapse": 0.002}, SHARE)
    arms = {"real": 0.861, "real_classical": 0.872, "real_duplicates": 0.859, "real_synthetic": 0.866}
    for name, value in {**arms, "synthetic_only": 0.801}.items():
        f.append(measured("trial", f"auc_{name}", value, 0.034, unit="AUC", n_patients=81))
    gains = {"gain_over_real": 0.005, "gain_over_classical": -0.006, "gain_over_duplicates": 0.007}
    for name, value in {**gains, "gain_over_controls": -0.006}.items():
        f.append(measured("trial", name, value, 0.021, unit="AUC", n_patients=81))
    rough = "a rough guide from assumptions, so without an interval"
    f.append(measured("trial", "detectable_gain", 0.031, unit="AUC", reason=rough, n_patients=81))
    return f


def grid(seed: int, rows: int = 4, columns: int = 8, cell: int = 72) -> bytes:
    """Return a sheet of smooth blobs in the place of radiographs."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : cell * 1j, -1 : 1 : cell * 1j]
    sheet = np.full((rows * (cell + 2), columns * (cell + 2)), 255, dtype=np.uint8)
    for row in range(rows):
        for column in range(columns):
            a, b = rng.uniform(0.25, 0.45, 2)
            lungs = np.exp(-(((np.abs(x) - a) / 0.22) ** 2) - ((y - 0.1 + b / 4) / 0.55) ** 2)
            picture = 200 * (1 - 0.8 * lungs) * (1 - 0.3 * x**2) + rng.normal(0, 6, x.shape)
            tile = np.s_[row * (cell + 2) : row * (cell + 2) + cell, column * (cell + 2) : column * (cell + 2) + cell]
            sheet[tile] = picture.clip(0, 255)
    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, "PNG")
    return buffer.getvalue()


NOTES: dict[str, Any] = {
    "captions": {
        "grid-real": "Real training images, drawn at random, at the size the study works at",
        "grid-synthetic": "Synthetic images, drawn at random",
    },
    "sets": {
        "real": {
            "name": "darkcovidnet",
            "images": 1125,
            "patients": 0,
            "patients_known": False,
            "labels": {"COVID-19": 125, "other": 1000},
            "splits": {
                "train": {"images": 675, "patients": 0, "labels": {"COVID-19": 75, "other": 600}},
                "validation": {"images": 225, "patients": 0, "labels": {"COVID-19": 25, "other": 200}},
                "test": {"images": 225, "patients": 0, "labels": {"COVID-19": 25, "other": 200}},
            },
            "fingerprint": "5f1d" * 16,
            "import": {"accepted": 1102, "accepted with a warning": 21, "rejected": 2},
        },
        "synthetic": {
            "name": "projection-gan",
            "images": 400,
            "patients": 0,
            "patients_known": False,
            "labels": {"COVID-19": 45, "other": 355},
            "splits": {},
            "fingerprint": "a0c4" * 16,
            "import": {},
        },
    },
    "test_uses": [
        {"study": "darkcovidnet", "purpose": "leakage check: pixels alone, no labels", "when": "2026-11-22"},
        {"study": "darkcovidnet", "purpose": "downstream trial", "when": "2026-11-22"},
    ],
    "seconds": {"materials": 41.2, "synthetic": 133.0, "checks and controls": 96.4, "trial": 71.9},
}
PLAN: dict[str, Any] = {
    "name": "COVID-19 against the rest, darkcovidnet",
    "question": "Do images of this generator help to tell COVID-19 from other chest X-rays?",
    "real": {"source": "data/darkcovidnet", "positive": ["COVID-19"], "columns": {}},
    "synthetic": {"generator": "projection-gan", "settings": {"images_seen": 60000}},
    "size": 64,
    "seed": 1,
    "others": [{"source": "data/cohen-cxr"}],
    "rules": "local",
}
ABOUT = {
    "radassay": "0.1.0",
    "python": "3.11.7",
    "platform": "Linux x86_64",
    "processors": 2,
    "libraries": {"numpy": "2.4.6", "torch": "2.13.0"},
}


def sealed_run(
    path: Path,
    findings: list[Finding],
    *,
    plan: dict[str, Any] = PLAN,
    notes: dict[str, Any] = NOTES,
    pictures: dict[str, bytes] | None = None,
) -> Run:
    run = Run.start(path, plan, ABOUT)
    run.record("all", findings, pictures=pictures or {})
    for key, value in notes.items():
        run.note(key, value)
    run.seal()
    return run


def everything() -> dict[str, bytes]:
    names = ("grid-real", "grid-synthetic", "pairs-memorisation-copy-share", "pairs-leakage-shared-with-others")
    sheets = {name: grid(seed, rows=2 if name.startswith("pairs") else 4) for seed, name in enumerate(names)}
    return {**sheets, "training-losses": grid(9, 2, 4)}


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Return the report of a run in which everything was measured and the border gives the label away."""
    run = sealed_run(tmp_path_factory.mktemp("run") / "run", realistic(patients=False), pictures=everything())
    return build(run, judge(run.findings(), read_rules()))


@pytest.fixture
def report_of(tmp_path: Path) -> Callable[..., Report]:
    """Return a function that seals findings into a run and builds its report."""

    number = count()

    def make(findings: list[Finding], **settings: Any) -> Report:
        run = sealed_run(tmp_path / f"run{next(number)}", findings, **settings)
        return build(run, judge(run.findings(), read_rules()))

    return make
