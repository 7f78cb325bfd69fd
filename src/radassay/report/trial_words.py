"""Names of the trial's arms, endpoints and findings as a reader should see them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from radassay.evidence import wording
from radassay.evidence.finding import Finding
from radassay.report import reading_words

TRIAL = "trial"

ENDPOINTS = {
    "auc": "AUC",
    "auprc": "Area under the precision-recall curve",
    "brier": "Brier score",
    "calibration_slope": "Calibration slope",
    "calibration_intercept": "Calibration intercept",
    "sensitivity": "Sensitivity",
    "net_benefit": "Net benefit",
}
"""By the beginning of a finding's name, in the order of the tables."""

ARMS = {
    "real": "Real images only",
    "real_classical": "Real + classical augmentation",
    "real_duplicates": "Real + as many duplicates",
    "real_reweighting": "Real, both classes equally often",
    "real_synthetic": "Real + synthetic",
    "synthetic_only": "Synthetic only",
    "real_shuffled": "Real + synthetic, labels shuffled",
    "real_held_out": "Real + held-out real patients",
}
"""By the end of a finding's name, in the order of the tables; doses of `real_synthetic` follow it."""

OTHERS = {
    "gain_over_real": "Gain over real images only",
    "gain_over_reweighting": "Gain over classes equally often",
    "change_real_reweighting": "Both classes equally often against real only",
    "change_of_shuffled_labels": "Synthetic images with shuffled labels, against the best control",
    "gain_of_held_out_patients": "Held-out real patients, against the best control",
    "auc_trained_real_tested_synthetic": "AUC, trained on real and tested on synthetic images",
    "gain_external": "Gain over the best control in another hospital",
    "subgroup_gain": "Gain over the best control in a part of the patients",
    "worst_subgroup_gain": "Gain in the part of the patients that gains least",
    "exchange_patients": "Worth in further real patients",
    "n_left_out_of_test": "Test images left out, being too like a training image",
    "generator_refitted": "Generator trained anew in each resample",
    "synthetic_per_real": "Synthetic images per real training image",
}
"""Findings that are no endpoint of an arm, where `radassay.evidence.wording` does not name them as this page does."""

_DOSE = re.compile(r"real_synthetic_x(\d+)(?:_(\d+))?")
_PATIENTS = re.compile(r"real_n_(\d+)")


def label(finding: Finding) -> str:
    """Return a finding's name in words; those of other checks are as everywhere."""
    if finding.check == reading_words.READING:
        return reading_words.label(finding)
    if finding.check != TRIAL:
        return wording.label(finding.name)
    if finding.name in OTHERS:
        return OTHERS[finding.name]
    endpoint, slug = split(finding.name)
    return f"{ENDPOINTS[endpoint]}: {_lower(arm(slug, finding))}" if slug else wording.label(finding.name)


def part(finding: Finding) -> str:
    """Return the part of the images that a finding is about; empty for all."""
    if finding.slice == "all":
        return ""
    if finding.check == reading_words.READING:
        return reading_words.part(finding)
    key, equals, value = finding.slice.partition("=")
    if finding.check == TRIAL and key == "dose":
        return f"{value} synthetic images per real image"
    if finding.name == "gain_external":
        return value
    return f"{key}: {value}" if equals else finding.slice


def value(finding: Finding) -> str:
    """Return a finding's value as text, or why there is none in a word or two."""
    if finding.value is not None:
        return wording.number(finding.value, wording.kind(finding))
    return "beyond the curve" if is_beyond(finding) else "not measured"


def is_beyond(finding: Finding) -> bool:
    """Return whether an exchange rate was measured, and lies outside of what the learning curve has seen."""
    return finding.name == "exchange_patients" and finding.details.get("beyond", "") != ""


def split(name: str) -> tuple[str, str]:
    """Return endpoint and arm of a finding's name such as `brier_real_classical`; both empty where it has none."""
    for endpoint in ENDPOINTS:
        slug = name.removeprefix(f"{endpoint}_")
        if slug != name and (slug in ARMS or _DOSE.fullmatch(slug) or _PATIENTS.fullmatch(slug)):
            return endpoint, slug
    return "", ""


def dose_of(slug: str) -> float | None:
    """Return the synthetic images per real one in an arm's name such as `real_synthetic_x0_25`; None where none is."""
    found = _DOSE.fullmatch(slug)
    return float(f"{found[1]}.{found[2] or 0}") if found else None


def arm(slug: str, finding: Finding | None = None) -> str:
    """Return an arm in words: `Real + synthetic × 0.25` for a quarter of a synthetic image per real one.

    Args:
        slug: the arm as part of a finding's name.
        finding: one of that arm, whose details may tell the dose of the headline.
    """
    dose = dose_of(slug)
    if slug == "real_synthetic" and finding is not None:
        dose = finding.details.get("dose")
    if dose is not None:
        return f"{ARMS['real_synthetic']} × {dose:g}"
    patients = _PATIENTS.fullmatch(slug)
    return f"Real images of {patients[1]} patients" if patients else ARMS[slug]


def place(slug: str, finding: Finding | None = None) -> tuple[int, float]:
    """Return where an arm stands in a table: kinds in their order, doses ascending."""
    order = [*ARMS]
    dose = dose_of(slug)
    if dose is None and finding is not None:
        dose = finding.details.get("dose")
    kind = "real_synthetic" if dose_of(slug) is not None else slug
    return order.index(kind) if kind in order else len(order), dose or 0.0


def slug_of(name: str) -> str:
    """Return the end of a finding's name that stands for an arm of the plan such as `real+synthetic x0.25`."""
    return "synthetic_only" if name == "synthetic" else re.sub(r"[^0-9a-z]+", "_", name)


def arm_named(name: str) -> str:
    """Return an arm of the plan in words; a name that nobody knows as it is."""
    slug = slug_of(name)
    known = slug in ARMS or _DOSE.fullmatch(slug) or _PATIENTS.fullmatch(slug)
    return arm(slug) if known else name


def some(names: Sequence[str], most: int = 6) -> str:
    """Return the first names of a list that may be long, and how many more there are."""
    told = "; ".join(names[:most])
    return f"{told}; and {len(names) - most} more" if len(names) > most else told


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:]
