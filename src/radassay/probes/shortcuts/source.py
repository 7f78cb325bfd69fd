"""Source: where an image comes from tells the label, or a model that learned one source fails in another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radassay.anatomy.features import SIDE as SMALL
from radassay.anatomy.regions import border, thumbnails
from radassay.contracts.classifier import Classifier
from radassay.contracts.grey import Grey
from radassay.contracts.probe import Answer, Subject
from radassay.contracts.progress import Progress, Report, silent
from radassay.evidence.finding import Finding
from radassay.probes.shortcuts import deep, forest
from radassay.probes.shortcuts.outlines import outlines
from radassay.probes.shortcuts.prediction import SIDE, Asked, asked, part, refusals, unknown_patients
from radassay.probes.shortcuts.sources import Scope, scopes
from radassay.probes.tasks import FEWEST
from radassay.stats.crossvalidated import Estimate, Question, Rows, mean_of

CHECK = "source"
BOUNDS = {
    "auc_source_prior": 0.60,
    "auc_source_by_disease_score": 0.60,
    "within_source_difference": 0.10,
    "unseen_source_difference": 0.10,
}
FEWEST_SEEN = 5
"""Patients of each class that a source needs to be tested by itself."""
INSEPARABLE = "class and source are the same thing: no source has enough patients of both, so they cannot be separated"


@dataclass(frozen=True)
class Source:
    """Ask of the source what a picture should be asked, and of a picture what only its source should know.

    All models are ridge-regularised linear discriminants of 32 x 32 thumbnails, scored on other patients than they
    were fitted to. Sources: Zech et al., PLoS Med 2018;15:e1002683 (sorting by hospital alone); Maguolo & Nanni, Inf
    Fusion 2021;76:1 (naming the source from images without the disease); Tartaglione et al., Int J Environ Res Public
    Health 2020;17:6933 (both classes from one hospital); Ahmed et al. 2021 (leaving one source out).
    """

    steps: int = deep.STEPS
    """Steps of each training, where a network is asked for."""

    name: ClassVar[str] = CHECK
    question: ClassVar[str] = "Does where an image comes from give the label away?"

    def measure(self, subject: Subject, rng: np.random.Generator, report: Report = silent) -> Answer:
        """Return how far source and label can be told from each other, a row a source, and the areas as a picture."""
        subject, caution = part(subject, rng)
        found = scopes(subject)
        findings: list[Finding] = []
        rows: list[dict[str, object]] = []
        pixels = subject.thumbnails(SIDE) if any(not scope.task.refusal for scope in found) else None
        for number, scope in enumerate(found):
            report(Progress(number, len(found), "questions", scope.task.slice))
            if scope.task.refusal or pixels is None:
                findings += refusals(CHECK, scope.task, tuple(BOUNDS))
                continue
            left = f"{scope.left_out} images of small or unknown sources are left out" if scope.left_out else ""
            cautions = (caution, unknown_patients(subject, scope.task), left)
            words = "; ".join(word for word in cautions if word)
            ready = asked(CHECK, scope.task, pixels[scope.task.images], rng, BOUNDS, words)
            one = _Scoped(ready, scope, thumbnails(ready.pixels, SMALL))
            findings += one.prior() + one.negatives(subject, rng) + one.by_score() + one.within() + one.unseen(rows)
            findings += one.unseen_by_lungs(subject)
            if subject.classifier is not None:
                findings += one.network(subject.classifier, int(rng.integers(2**31)), self.steps)
        drawn, captions = forest.drawn(CHECK, findings, BOUNDS, "What the source tells, and what is left without it")
        return Answer(findings, {"sources": pd.DataFrame(rows)} if rows else {}, drawn, captions)


@dataclass(frozen=True)
class _Scoped:
    """The measures of one task and its sources."""

    asked: Asked
    scope: Scope
    small: NDArray[np.float64]
    """(n, SMALL, SMALL) thumbnails."""

    @property
    def kinds(self) -> list[str]:
        return [str(kind) for kind in np.unique(self.scope.source)]

    def prior(self) -> list[Finding]:
        """Score each image by its source alone (T1)."""
        hot = (self.scope.source[:, None] == np.array(self.kinds)[None, :]).astype(np.float64)
        positive, source = self.asked.task.positive, self.scope.source
        counts = {kind: [int(positive[source == kind].sum()), int((source == kind).sum())] for kind in self.kinds}
        reason = "" if self._both() else INSEPARABLE
        question = self.asked.question
        estimate = question.estimate(question.scores(hot), few_values=True)
        return self.asked.teller.area("auc_source_prior", estimate, reason, with_label_of=counts)

    def negatives(self, subject: Subject, rng: np.random.Generator) -> list[Finding]:
        """Name the source from images without the disease (T2), from their border, and from their lungs (T4)."""
        names = ("auc_source_negatives", "auc_source_negatives_border", "auc_source_negatives_lungs")
        rows = np.flatnonzero(~self.asked.task.positive)
        source, units = self.scope.source[rows], self.asked.task.units[rows]
        large = [kind for kind in self.kinds if _patients(units, source == kind) >= FEWEST]
        keep = np.isin(source, large)
        rows, source, units = rows[keep], source[keep], units[keep]
        if len(large) < 2:
            reason = f"{len(large)} sources have {FEWEST} patients without {self.asked.task.label!r}; two are needed"
            if not self._both():
                reason = f"{INSEPARABLE}; {reason}"
            return [f for name in names for f in self.asked.teller.refused(name, reason)]
        # with two sources, the one is named as well as the other
        targets = large[1:] if len(large) == 2 else large
        seed = int(rng.integers(2**31))
        questions = [Question.ask(source == kind, units, np.random.default_rng(seed)) for kind in targets]
        lungs = outlines(subject, self.asked.task.images[rows], self.asked.pixels[rows])
        views = {
            names[0]: self.small[rows].reshape(len(rows), -1),
            names[1]: self.small[rows][:, border(SMALL)],
            names[2]: thumbnails(self.asked.pixels[rows] * lungs.lungs, SMALL).reshape(len(rows), -1),
        }
        teller = self.asked.teller.about(np.isin(np.arange(len(self.small)), rows), self.asked.task.units)
        findings = []
        for name, features in views.items():
            model = questions[0].model(features)
            each = [question.estimate(question.scores(model)) for question in questions]
            told = {kind: round(e.value, 3) for kind, e in zip(targets, each, strict=True)}
            reason = lungs.told if name == names[2] else ""
            findings += teller.area(name, mean_of(each), reason, of_source=told)
        return findings

    def by_score(self) -> list[Finding]:
        """Ask whether a model of the label ranks images without it by how common it is in their source (T2)."""
        name, code = "auc_source_by_disease_score", self._code

        def ranked(labels: NDArray[np.bool_]) -> Rows:
            common = np.bincount(code, labels) / np.bincount(code)
            return ~labels, common[code] > labels.mean()

        some, high = ranked(self.asked.task.positive)
        units = self.asked.task.units
        sides = [_patients(units, some & side) for side in (high, ~high)]
        if min(sides) < FEWEST:
            reason = f"{sides[0]} patients without {self.asked.task.label!r} are of sources where it is common, "
            reason += f"{sides[1]} of sources where it is rare; {FEWEST} of each are needed"
            return self.asked.teller.refused(name, reason if self._both() else f"{INSEPARABLE}; {reason}")
        return self.asked.teller.about(some, units).area(name, self.asked.question.estimate(self._scores, ranked))

    def within(self) -> list[Finding]:
        """Hold the area of all images against that of images of one source each (T13)."""
        question, teller = self.asked.question, self.asked.teller
        pooled = question.estimate(self._scores)
        findings = teller.area("auc_pooled", pooled)
        if not self._both():
            return findings + [
                f for n in ("auc_within_source", "within_source_difference") for f in teller.refused(n, INSEPARABLE)
            ]
        inside = self._mean({kind: self._of(self._scores, kind) for kind in self._both()})
        findings += teller.area("auc_within_source", inside, of_sources=self._both())
        return findings + teller.difference("within_source_difference", pooled - inside)

    def unseen(self, rows: list[dict[str, object]]) -> list[Finding]:
        """Score each source by models that saw it and by models that did not (T5); add a row a source."""
        names = ("auc_seen", "auc_unseen", "auc_unseen_worst", "unseen_source_difference")
        teller, source = self.asked.teller, self.scope.source
        left = self._leavable()
        seen, unseen = self._left_out(left)
        for kind in self.kinds:
            inside = source == kind
            rows.append(
                {
                    "slice": teller.slice,
                    "source": kind,
                    "images": int(inside.sum()),
                    "patients": _patients(self.asked.task.units, inside),
                    "with_label": int((inside & self.asked.task.positive).sum()),
                    "auc_seen": seen[kind].value if kind in seen else None,
                    "auc_unseen": unseen[kind].value if kind in unseen else None,
                }
            )
        if not left:
            return [f for name in names for f in teller.refused(name, self._not_leavable())]
        before, after = self._mean(seen), self._mean(unseen)
        worst = min(left, key=lambda kind: unseen[kind].value)
        findings = teller.area("auc_seen", before, of_sources=left) + teller.area("auc_unseen", after, of_sources=left)
        picked = f"the worst of {len(left)} sources, picked after the fact" if len(left) > 1 else ""
        findings += teller.area("auc_unseen_worst", unseen[worst], picked, source=worst)
        return findings + teller.difference("unseen_source_difference", before - after)

    def unseen_by_lungs(self, subject: Subject) -> list[Finding]:
        """Repeat that on the lungs alone (T5 after T4): what falls less there was learnt outside them."""
        names = ("auc_seen_lungs", "auc_unseen_lungs", "unseen_source_difference_lungs")
        teller, left = self.asked.teller, self._leavable()
        if not left:
            return [f for name in names for f in teller.refused(name, self._not_leavable())]
        lungs = outlines(subject, self.asked.task.images, self.asked.pixels)
        alone = replace(self, small=thumbnails(self.asked.pixels * lungs.lungs, SMALL))
        before, after = (self._mean(of) for of in alone._left_out(left))
        findings = teller.area(names[0], before, lungs.told, of_sources=left)
        findings += teller.area(names[1], after, lungs.told, of_sources=left)
        return findings + teller.difference(names[2], before - after, lungs.told)

    def network(self, classifier: Classifier, seed: int, steps: int) -> list[Finding]:
        """Repeat the last two with a network."""
        teller, task, left = self.asked.teller, self.asked.task, self._leavable()
        if not left:
            return [f for n in ("auc_seen_deep", "auc_unseen_deep") for f in teller.refused(n, INSEPARABLE)]
        pixels: Grey = self.asked.pixels
        findings = []
        for name, fold in (("auc_seen_deep", self.asked.question.fold[0]), ("auc_unseen_deep", self._code)):
            scores = deep.scores(classifier, pixels, task.positive, task.units, fold, seed, steps)
            found = self._mean({kind: self._of(scores, kind, fold[None]) for kind in left})
            findings += teller.area(name, found, deep.CAUTION, of_sources=left)
        return findings

    @cached_property
    def _scores(self) -> NDArray[np.float64]:
        return self.asked.question.scores(self.small.reshape(len(self.small), -1))

    @cached_property
    def _without(self) -> NDArray[np.float64]:
        """Scores of models that never saw the image's source."""
        model = self.asked.question.model(self.small.reshape(len(self.small), -1))
        return model.scores(self.asked.question.targets.astype(np.float64), self._code)[None]

    @property
    def _code(self) -> NDArray[np.integer[Any]]:
        return np.unique(self.scope.source, return_inverse=True)[1]

    def _left_out(self, left: list[str]) -> tuple[dict[str, Estimate], dict[str, Estimate]]:
        """Return the area of each of these sources by models that saw it, and by models that did not."""
        seen = {kind: self._of(self._scores, kind) for kind in left}
        return seen, {kind: self._of(self._without, kind, self._code[None]) for kind in left}

    def _of(self, scores: NDArray[np.float64], kind: str, fold: NDArray[np.integer[Any]] | None = None) -> Estimate:
        return self.asked.question.estimate(scores, lambda labels: (self.scope.source == kind, labels), fold)

    def _mean(self, of: dict[str, Estimate]) -> Estimate:
        """Return the mean over sources, weighted by how much each can tell."""
        weights = [1 / (1 / e.positives + 1 / e.negatives) for e in of.values()]
        return mean_of(list(of.values()), weights, apart=True)

    def _both(self) -> list[str]:
        """Return the sources with enough patients of both classes to be tested by themselves."""
        return [kind for kind in self.kinds if min(self._sides(self.scope.source == kind)) >= FEWEST_SEEN]

    def _leavable(self) -> list[str]:
        """Return those of them without which enough patients of both classes are left to train on."""
        return [kind for kind in self._both() if min(self._sides(self.scope.source != kind)) >= FEWEST]

    def _not_leavable(self) -> str:
        return INSEPARABLE if not self._both() else "without any one source, too few patients of a class are left"

    def _sides(self, inside: NDArray[np.bool_]) -> tuple[int, int]:
        positive, units = self.asked.task.positive, self.asked.task.units
        return _patients(units, inside & positive), _patients(units, inside & ~positive)


def _patients(units: NDArray[np.str_], rows: NDArray[np.bool_]) -> int:
    return len(np.unique(units[rows]))
