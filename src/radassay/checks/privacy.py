"""Privacy: what generated images give away about the patients that the generator learnt from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from radassay.checks.closeness import contrasts, one_a_patient, standardised
from radassay.checks.patients import unknown_patients
from radassay.checks.reidentification import Leads
from radassay.checks.space import BY_TRAINING, Array, draws, lacking
from radassay.contracts.check import Inputs
from radassay.evidence.finding import Direction, Finding
from radassay.images.sample import Sample
from radassay.stats.auc import Interval, area, auc
from radassay.stats.conservative import conservative
from radassay.stats.copies import excess, nearness
from radassay.stats.likelihood import likelihood_gap
from radassay.stats.membership import calibrated, lowest_rate, rate_at
from radassay.stats.resample import codes, deal_groups, jackknife_interval
from radassay.stats.whitening import Whitening

POOLED = "principal axes of all real images, each over √(variance + 0.1 mean variance)"
ALARMS = 0.01
"""False positive rate at which the attack must be sure."""
DIRECTIONS: dict[str, Direction] = {
    "membership_auc": "lower is better",
    "membership_tpr_at_1_fpr": "lower is better",
    "reidentification_excess": "lower is better",
    "likelihood_gap": "near zero is better",
}
QUICK = "no interval in the quick form"


@dataclass(frozen=True)
class Privacy:
    """Three attacks on the generated images, each held against patients that the generator never saw.

    Membership: which real images did the generator learn from? An image is the likelier a member, the nearer it lies
    to a generated image, as compared with its distance to real images of other patients (Hayes et al., LOGAN, PoPETs
    2019; Chen et al., GAN-Leaks, CCS 2020). The attacker has the generated images alone, no generator and no second
    one. Everything treats training and held-out images alike (features are whitened by both together), so that for a
    generator that learnt nothing of single patients the area is 0.5 whatever the images. Distances are taken in the
    encoder's features and in thumbnails, and the higher score counts.

    Re-identification: `checks/reidentification.py`. Likelihood gap: `stats/likelihood.py`; a generator
    that copies nothing scores somewhat below zero, as the controls show for real images in its place.
    """

    side: int = 32
    """Side of the thumbnails in pixels."""
    shown: int = 8
    """Training images most surely recognised that are named."""
    intervals: bool = True
    """Whether intervals are computed."""

    name: ClassVar[str] = "privacy"
    question: ClassVar[str] = "Do the synthetic images give away which patients the generator learnt from?"
    reads: ClassVar[Literal["real", "synthetic"]] = "synthetic"
    matched: ClassVar[bool] = False
    encoded: ClassVar[bool] = True
    watched: ClassVar[Mapping[str, str]] = {
        "membership_auc": "higher",
        "membership_tpr_at_1_fpr": "higher",
        "reidentification_excess": "higher",
        "likelihood_gap": "lower",
    }
    meets: ClassVar[tuple[str, ...]] = ()

    def quick(self) -> Privacy:
        """Return the same check without intervals."""
        return replace(self, intervals=False)

    def measure(self, inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
        """Return how well an attacker tells training patients from others; nothing is random."""
        why = lacking(inputs)
        if why or inputs.synthetic is None:
            prints = inputs.fingerprints(inputs.training, inputs.held_out, inputs.synthetic)
            return [Finding(check=self.name, name=name, reason=why, inputs=prints) for name in DIRECTIONS]
        attack = _Attack.on(inputs, inputs.synthetic, self.side)
        return [
            self._area(inputs, inputs.synthetic, attack),
            self._sure(inputs, attack),
            self._leads(inputs, inputs.synthetic),
            self._gap(inputs, inputs.synthetic),
        ]

    def _area(self, inputs: Inputs, synthetic: Sample, attack: _Attack) -> Finding:
        """Return the area under the ROC curve of the attack, with the images it is surest of."""
        patients = np.concatenate([inputs.training.patients, inputs.held_out.patients])
        members = np.arange(len(patients)) < len(inputs.training)
        scores = np.concatenate([attack.members, attack.others])
        surest = np.argsort(-attack.members, kind="stable")[: self.shown].tolist()
        ids = inputs.training.images, synthetic.images
        details = {
            "pairs": [[str(ids[0][i]), str(ids[1][attack.rows[i]]), round(float(scores[i]), 2)] for i in surest],
            "space": POOLED,
            "n_training": len(inputs.training),
            "n_held_out": len(inputs.held_out),
        }
        fields: dict[str, Any] = {"value": auc(scores, members), "reason": QUICK}
        if self.intervals:
            found = area(scores, members, patients)
            caution = _same_patients(inputs) or unknown_patients(inputs.held_out)
            fields = _limits(found, f"{found.method}; generated images as they are", caution)
        return self._finding(inputs, "membership_auc", details, n_patients=len(np.unique(patients)), **fields)

    def _sure(self, inputs: Inputs, attack: _Attack) -> Finding:
        """Return the share of training patients told at 1 % false alarms, from one image of each patient."""
        members = attack.members[one_a_patient(inputs.training)]
        others = attack.others[one_a_patient(inputs.held_out)]
        lowest = lowest_rate(len(others))
        found = rate_at(members, others, max(ALARMS, lowest))
        about = {"n_training": len(members), "n_held_out": len(others), "false_positive_rate": found.rate}
        n = {"n_patients": len(members) + len(others), "unit": "share of training patients"}
        name = "membership_tpr_at_1_fpr"
        if lowest > ALARMS:
            reason = (
                f"{len(others)} held-out patients set no false positive rate below {lowest:.1%}; at that one the "
                f"attack finds {found.value:.1%} of the training patients ({found.low:.1%} to {found.high:.1%})"
            )
            at = {"tpr_at_lowest_fpr": found.value, "low": found.low, "high": found.high}
            return self._finding(inputs, name, {**about, **at}, value=None, reason=reason.replace("%", " %"), **n)
        fields: dict[str, Any] = {"value": found.value, "reason": QUICK}
        if self.intervals:
            method = conservative("binomial threshold, limits of Clopper and Pearson (1934), one image per patient")
            limits = Interval(found.value, found.low, found.high, method)
            fields = _limits(limits, method, _same_patients(inputs) or unknown_patients(inputs.held_out))
        return self._finding(inputs, name, about, **n, **fields)

    def _leads(self, inputs: Inputs, synthetic: Sample) -> Finding:
        """Return the share of generated images that lead back to one patient's other images, beyond chance."""
        name, unit = "reidentification_excess", "share of images near patients with several"
        leads = Leads.of(inputs, synthetic)
        if isinstance(leads, str):
            return self._finding(inputs, name, {}, unit=unit, value=None, reason=leads)
        found = excess(leads.held_out, leads.made, 0.95 if self.intervals else None)
        details = {
            "found": found.found,
            "expected": found.expected,
            "p": found.p,
            "n_synthetic": len(leads.made),
            "n_held_out": len(leads.held_out),
            "patients_with_several_images": leads.several,
            "space": BY_TRAINING,
        }
        fields: dict[str, Any] = {"value": found.share, "reason": QUICK}
        if self.intervals:
            method = conservative("inversion of the exact rank test, one image per held-out patient")
            limits = Interval(found.share, found.low, found.high, method)
            fields = _limits(limits, method, unknown_patients(inputs.held_out))
        return self._finding(inputs, name, details, unit=unit, n_patients=len(leads.held_out), **fields)

    def _gap(self, inputs: Inputs, synthetic: Sample) -> Finding:
        """Return the generalisation gap of the feature likelihood divergence."""
        parts = (inputs.training, inputs.held_out, synthetic)
        features = [inputs.features(sample) for sample in parts]
        gap = likelihood_gap(*features)
        details = {"n_training": len(gap.training), "n_held_out": len(gap.held_out), "n_synthetic": len(synthetic)}
        fields: dict[str, Any] = {"value": gap.value, "reason": QUICK}
        if self.intervals:
            left_out = []
            for place, sample in enumerate(parts):
                groups = deal_groups(draws(sample))
                fits = []
                for group in range(int(groups.max()) + 1):
                    fewer = [x[groups != group] if k == place else x for k, x in enumerate(features)]
                    fits.append(likelihood_gap(*fewer).value)
                left_out.append(fits)
            found = jackknife_interval(gap.value, *left_out)
            fields |= {
                "low": found.low,
                "high": found.high,
                "method": conservative(f"{found.method}; for samples of this size"),
            }
            fields["reason"] = _same_patients(inputs) or unknown_patients(inputs.held_out)
        n = len(np.unique(np.concatenate([inputs.training.patients, inputs.held_out.patients])))
        return self._finding(inputs, "likelihood_gap", details, n_patients=n, **fields)

    def _finding(self, inputs: Inputs, name: str, details: Mapping[str, Any], **fields: Any) -> Finding:
        samples = (inputs.training, inputs.held_out, inputs.synthetic)
        return Finding(
            check=self.name,
            name=name,
            direction=DIRECTIONS[name],
            n_images=sum(len(s) for s in samples if s is not None),
            inputs=inputs.fingerprints(*samples),
            details={"encoder": inputs.encoder, **details},
            **fields,
        )


def _limits(found: Interval, method: str, reason: str) -> dict[str, Any]:
    return {"value": found.value, "low": found.low, "high": found.high, "method": method, "reason": reason}


def _same_patients(inputs: Inputs) -> str:
    """Return a caution where a patient is on both sides of the split, or nothing."""
    both = np.intersect1d(inputs.training.patients, inputs.held_out.patients)
    return f"{len(both)} patients are both in training and held out" if len(both) else ""


@dataclass(frozen=True)
class _Attack:
    """How surely each real image was learnt from."""

    members: Array
    """(n,) scores of the training images, high is sure."""
    others: Array
    """(m,) scores of the held-out images."""
    rows: NDArray[np.intp]
    """(n,) generated image that decided, of each training image."""

    @classmethod
    def on(cls, inputs: Inputs, synthetic: Sample, side: int) -> _Attack:
        """Return the scores of all real images against the generated ones."""
        real = inputs.training.joined(inputs.held_out, "real")
        features = [np.concatenate([inputs.features(s) for s in (inputs.training, inputs.held_out)])]
        white = Whitening.fit(features[0])
        spaces = [
            (white(features[0]), white(inputs.features(synthetic))),
            tuple(contrasts(side, real.pixels, synthetic.pixels)),
        ]
        patient = codes(real.patients)
        scores, rows = [], []
        for ours, made in spaces:
            to_generated = nearness(ours, made, np.arange(len(made)))
            to_real = nearness(ours, ours, patient, patient)
            found = calibrated(to_generated.distance, to_real.background)
            scores.append(standardised(found, found))
            rows.append(to_generated.row)
        decided = np.argmax(scores, axis=0)
        each = np.arange(len(real))
        best, row = np.stack(scores)[decided, each], np.stack(rows)[decided, each]
        n = len(inputs.training)
        return cls(best[:n], best[n:], row[:n])
