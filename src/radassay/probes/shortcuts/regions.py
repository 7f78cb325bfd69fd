"""Regions: the label can be told from parts of the picture that have nothing to do with the disease."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from radassay.anatomy.features import SIDE as SMALL
from radassay.anatomy.regions import border, corners, outside_centre, outside_lungs, thumbnails
from radassay.contracts.classifier import Classifier
from radassay.contracts.probe import Answer, Subject
from radassay.contracts.progress import Progress, Report, silent
from radassay.evidence.finding import Finding
from radassay.probes.shortcuts import deep, forest
from radassay.probes.shortcuts.attribution import chart, dilated, share_outside
from radassay.probes.shortcuts.outlines import Outlines, outlines
from radassay.probes.shortcuts.prediction import SIDE, Asked, asked, part, refusals, unknown_patients
from radassay.probes.shortcuts.surgery import EDITS, operated
from radassay.probes.tasks import tasks
from radassay.stats.crossvalidated import model_of
from radassay.stats.discriminant import Discriminant

CHECK = "regions"
BOUNDS = {"auc_border": 0.60, "auc_corners": 0.60, "auc_lungs_out": 0.70, "border_erased_difference": 0.10}
SILHOUETTE = "the blacked-out lungs keep their outline, which may itself go with the disease (see the outlines alone)"


@dataclass(frozen=True)
class Regions:
    """Predict the label from the border, the corners, all but the lungs, the lungs alone and the whole picture.

    All models are ridge-regularised linear discriminants of 32 x 32 thumbnails, scored on other patients than they
    were fitted to; a network can do all this and more. Sources: Maguolo & Nanni, Inf Fusion 2021;76:1 and Sadre et
    al., Sci Rep 2021;11:16047 (lungs blacked out); DeGrave et al., Nat Mach Intell 2021;3:610 (markers, attribution).
    """

    steps: int = deep.STEPS
    """Steps of each training, where a network is asked for."""

    name: ClassVar[str] = CHECK
    question: ClassVar[str] = "Can the label be told from the border, the corners or anything else but the lungs?"

    def measure(self, subject: Subject, rng: np.random.Generator, report: Report = silent) -> Answer:
        """Return one area a region, what editing the border changes, and where the model of the whole looks."""
        subject, caution = part(subject, rng)
        found = tasks(subject)
        findings: list[Finding] = []
        views: dict[str, _View] = {}
        worst: tuple[float, bytes, str] | None = None
        for number, task in enumerate(found):
            report(Progress(number, len(found), "questions", task.slice))
            if task.refusal:
                findings += refusals(CHECK, task, tuple(BOUNDS))
                continue
            place = task.slice.partition(", label=")[0]
            if place not in views:
                pixels = subject.thumbnails(SIDE)[task.images]
                views = {place: _View.of(pixels, outlines(subject, task.images, pixels))}
            words = "; ".join(word for word in (caution, unknown_patients(subject, task)) if word)
            one = _Looked(asked(CHECK, task, views[place].pixels, rng, BOUNDS, words), views[place])
            findings += one.regions()
            if subject.classifier is not None:
                findings += one.network(subject.classifier, int(rng.integers(2**31)), self.steps)
            told = one.surprise(findings)
            if worst is None or told > worst[0]:
                worst = (told, one.chart(), f"{task.label} in {place.removeprefix('set=')}")
        drawn, captions = forest.drawn(CHECK, findings, BOUNDS, "What parts of the picture tell")
        if worst is not None:
            drawn = {**drawn, "regions-weights": worst[1]}
            captions = captions | {
                "regions-weights": f"The model of the whole picture for {worst[2]}, where the border tells most: the "
                "mean picture with the lungs' mean outline, and over it what speaks for the label, red where brighter "
                "and blue where darker pixels do"
            }
        return Answer(findings, pictures=drawn, captions=captions)


class _View(NamedTuple):
    """Pictures of a set, their lungs, and models of their regions, factorised once for all labels."""

    pixels: NDArray[np.float32]
    small: NDArray[np.float64]
    """(n, SMALL, SMALL) thumbnails."""
    outlines: Outlines
    outside: NDArray[np.bool_]
    """(n, SMALL, SMALL) what is outside the dilated lungs."""
    models: dict[str, Discriminant]
    """By measure."""

    @classmethod
    def of(cls, pixels: NDArray[np.float32], found: Outlines) -> _View:
        small = thumbnails(pixels, SMALL)
        grown = dilated(found.lungs)
        elsewhere = np.roll(found.lungs, (SIDE // 2, SIDE // 2), axis=(1, 2))
        features = {
            "auc_full": small,
            "auc_border": small[:, border(SMALL)],
            "auc_corners": small[:, corners(SMALL)],
            "auc_centre_out": small[:, outside_centre(SMALL)],
            "auc_lungs_out": small[:, outside_lungs(SMALL)],
            "auc_outlined_lungs_out": thumbnails(np.where(found.lungs, 0, pixels), SMALL),
            "auc_dilated_lungs_out": thumbnails(np.where(grown, 0, pixels), SMALL),
            "auc_elsewhere_out": thumbnails(np.where(elsewhere, 0, pixels), SMALL),
            "auc_lungs_only": thumbnails(np.where(found.lungs, pixels, 0), SMALL),
            "auc_outlines_alone": thumbnails(found.lungs.astype(np.float32), SMALL),
        }
        models = {name: model_of(of.reshape(len(of), -1)) for name, of in features.items()}
        return cls(pixels, small, found, thumbnails(grown.astype(np.float32), SMALL) < 0.5, models)


@dataclass(frozen=True)
class _Looked:
    """The measures of one task."""

    asked: Asked
    view: _View

    def regions(self) -> list[Finding]:
        """Return the area of each region (T3), what is lost without the lungs, attribution (T6) and surgery (T7)."""
        question, teller = self.asked.question, self.asked.teller
        areas = {name: question.estimate(question.scores(model)) for name, model in self.view.models.items()}
        told = self.view.outlines.told
        reasons = dict.fromkeys(("auc_elsewhere_out", "auc_lungs_only", "auc_outlines_alone"), told)
        reasons |= dict.fromkeys(("auc_outlined_lungs_out", "auc_dilated_lungs_out"), f"{told}; {SILHOUETTE}")
        findings = [f for name, e in areas.items() for f in teller.area(name, e, reasons.get(name, ""))]
        findings += teller.difference("lungs_out_difference", areas["auc_full"] - areas["auc_lungs_out"])
        findings += self._attribution()
        low = areas["auc_full"].area().low
        return findings + self._surgery(low)

    def _attribution(self) -> list[Finding]:
        model, small = self.view.models["auc_full"], self.view.small
        flat = (small.reshape(len(small), -1), self.view.outside.reshape(len(small), -1))
        estimate = share_outside(self.asked.question, model, *flat)
        findings = self.asked.teller.difference("attribution_outside_difference", estimate, self.view.outlines.told)
        return [replace(f, unit="share of the attribution") for f in findings]

    def _surgery(self, low: float) -> list[Finding]:
        """Return what editing does, where the model of the whole picture knows anything at all."""
        teller, judged = self.asked.teller, "border_erased_difference"
        if low <= 0.5:
            reason = "the model of the whole picture is not surely better than chance, so there is nothing to disturb"
            return teller.refused(judged, reason)
        findings = []
        for name, edit in EDITS.items():
            after = thumbnails(edit(self.view.pixels.astype(np.float64)), SMALL)
            fall, flips = operated(self.asked.question, self.view.models["auc_full"], self.view.small, after)
            findings += teller.difference(f"{name}_difference", fall)
            findings += teller.share(f"{name}_flips", flips, self.asked.task.units)
        return findings

    def network(self, classifier: Classifier, seed: int, steps: int) -> list[Finding]:
        """Return the areas of the whole, the border and all but the lungs once more, by a network."""
        pixels, task = self.asked.pixels, self.asked.task
        masks = {
            "auc_full_deep": np.ones((SIDE, SIDE), dtype=bool),
            "auc_border_deep": border(SIDE, SIDE // 8),
            "auc_lungs_out_deep": outside_lungs(SIDE),
        }
        findings = []
        for name, mask in masks.items():
            seen = np.where(mask, pixels, np.float32(0))
            fold = self.asked.question.fold[0]
            scores = deep.scores(classifier, seen, task.positive, task.units, fold, seed, steps)
            findings += self.asked.teller.area(name, self.asked.question.estimate(scores), deep.CAUTION)
        return findings

    def surprise(self, findings: list[Finding]) -> float:
        """Return how much the border surely tells."""
        mine = (f.low for f in findings if f.slice == self.asked.task.slice and f.name == "auc_border")
        return max((low for low in mine if low is not None), default=0.0)

    def chart(self) -> bytes:
        """Return the map of the weights."""
        lungs = thumbnails(self.view.outlines.lungs.astype(np.float32), SMALL) > 0.5
        return chart(self.asked.question, self.view.models["auc_full"], self.view.small, lungs, self.asked.task.label)
