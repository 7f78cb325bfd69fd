"""Acquisition: the label can be told from how a picture was made, stored or processed, with its anatomy destroyed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from radassay.contracts.classifier import Classifier
from radassay.contracts.grey import Grey
from radassay.contracts.probe import Answer, Subject
from radassay.contracts.progress import Progress, Report, silent
from radassay.evidence.finding import Finding
from radassay.images import file_facts
from radassay.probes.shortcuts import deep, destruction, forest
from radassay.probes.shortcuts.prediction import SIDE, Asked, asked, part, refusals, unknown_patients
from radassay.probes.tasks import tasks
from radassay.stats.crossvalidated import CHANCE, Estimate, mean_of, model_of
from radassay.stats.discriminant import Discriminant

CHECK = "acquisition"
BOUNDS = {"auc_file_facts": 0.60, "auc_colour": 0.60, "auc_fine_detail": 0.70, "auc_patches_outside": 0.70}
NOISES = 3
"""Sets of pure noise that the pipeline is tried on."""
SURVIVES = "opacities survive the shuffling too, so that this is the most that a shortcut can be, and no proof of one"
GREY = "no picture has colour, so that colour can tell nothing"


@dataclass(frozen=True)
class Acquisition:
    """Predict the label from facts of the file, from colour, and from pictures whose anatomy is destroyed.

    Every model is a ridge-regularised linear discriminant, scored on other patients than it was fitted to. The same
    pipeline is run on shuffled labels, noise and constant pictures, where it must find nothing. What is told without
    anatomy is taken off what is told with it, which estimates the area that another hospital would see, in the spirit
    of Ong Ly et al., npj Digit Med 2024;7:124: expected = 0.5 + (area intact - area of shuffled patches outside the
    lungs). The formula is our reading of the idea (performance within, less performance that needs no anatomy), not a
    quotation. Patches of the lungs are left out because opacities survive any shuffling: with them, simulated sets
    without a shortcut are expected at 0.61 where an unseen hospital sees 0.78.
    """

    steps: int = deep.STEPS
    """Steps of each training, where a network is asked for."""

    name: ClassVar[str] = CHECK
    question: ClassVar[str] = (
        "Can the label be told from the file, the colour, or a picture whose anatomy is destroyed?"
    )

    def measure(self, subject: Subject, rng: np.random.Generator, report: Report = silent) -> Answer:
        """Return the areas of file, colour and destroyed pictures, the pipeline's controls, and a plot a set."""
        subject, caution = part(subject, rng)
        found = tasks(subject)
        findings: list[Finding] = []
        views: dict[str, _View] = {}
        for number, task in enumerate(found):
            report(Progress(number, len(found), "questions", task.slice))
            if task.refusal:
                findings += refusals(CHECK, task, tuple(BOUNDS))
                continue
            place = task.slice.partition(", label=")[0]
            if place not in views:
                views = {place: _View.of(subject, task.images, rng)}
            words = "; ".join(word for word in (caution, unknown_patients(subject, task)) if word)
            ready = asked(CHECK, task, views[place].pixels, rng, BOUNDS, words)
            controls, fault = _controls(ready, views[place])
            findings += controls
            if fault:
                findings += refusals(CHECK, task, tuple(BOUNDS), fault)
                continue
            findings += _areas(ready, views[place])
            if subject.classifier is not None:
                findings += _network(subject.classifier, ready, views[place], rng, self.steps)
        drawn, captions = forest.drawn(CHECK, findings, BOUNDS, "What tells the label without any anatomy")
        return Answer(findings, pictures=drawn, captions=captions)


class _View(NamedTuple):
    """Pictures of a set and models of what is left of them, factorised once for all labels."""

    pixels: Grey
    models: dict[str, Discriminant | str]
    """By measure, or the reason why there is none."""
    noise: tuple[Discriminant, ...]
    """Models of pictures of pure noise."""

    @classmethod
    def of(cls, subject: Subject, images: NDArray[np.integer[Any]], rng: np.random.Generator) -> _View:
        pixels = subject.thumbnails(SIDE)[images]
        features = {
            **_of_file(subject, images),
            "auc_colour": _colour(subject, images),
            "auc_histogram": destruction.pixels_alone(pixels),
            "auc_blurred": destruction.blurred(pixels),
            "auc_fine_detail": destruction.fine_detail(pixels),
            "auc_patches_shuffled": destruction.without_order(pixels),
            "auc_patches_outside": destruction.without_order(pixels, lungs=False),
            "auc_intact": destruction.intact(pixels),
        }
        models = {name: of if isinstance(of, str) else model_of(of) for name, of in features.items()}
        drawn = (rng.random(pixels.shape, dtype=np.float32) for _ in range(NOISES))
        return cls(pixels, models, tuple(model_of(destruction.intact(noise)) for noise in drawn))


def _of_file(subject: Subject, images: NDArray[np.integer[Any]]) -> dict[str, NDArray[np.float64] | str]:
    """Return features of the files, by measure: size and proportions, proportions alone, type, all with compression."""
    table = subject.table.iloc[images]
    form, kind = file_facts.shape(table), file_facts.kind(table)
    if isinstance(form, str) or isinstance(kind, str):
        why = form if isinstance(form, str) else str(kind)
        return dict.fromkeys(("auc_shape", "auc_aspect", "auc_file_type", "auc_file_facts"), why)
    jpeg = table["format"].to_numpy(dtype=str) == "jpeg"
    paths = table["path"].to_numpy(dtype=str)
    steps = np.array([file_facts.jpeg_steps(Path(p)) if j else np.nan for p, j in zip(paths, jpeg, strict=True)])
    known = np.isfinite(steps)
    strength = np.where(known, np.log(np.where(known, steps, 1.0)), 0.0)
    everything = np.concatenate([form[0], kind, strength[:, None], known[:, None]], axis=1)
    return {"auc_shape": form[0], "auc_aspect": form[1], "auc_file_type": kind, "auc_file_facts": everything}


def _colour(subject: Subject, images: NDArray[np.integer[Any]]) -> NDArray[np.float64] | str:
    """Return mean and spread of red less green and blue less green, (n, 4), as shares of the range shown."""
    channels = subject.table["channels"].to_numpy(dtype=float)[images]
    low, high = (subject.table[c].to_numpy(dtype=float)[images] for c in ("low", "high"))
    out = np.zeros((len(images), 4))
    for row in np.flatnonzero(channels == 3):
        values = subject.pixels(int(images[row]))[::2, ::2].astype(np.float64) / max(high[row] - low[row], 1e-9)
        casts = [values[..., c] - values[..., 1] for c in (0, 2)]
        out[row] = [f(cast) for cast in casts for f in (np.mean, np.std)]
    return out if np.abs(out).max() > 1e-3 else GREY


def _areas(ready: Asked, view: _View) -> list[Finding]:
    question, teller = ready.question, ready.teller
    estimates: dict[str, Estimate] = {}
    findings: list[Finding] = []
    for name, model in view.models.items():
        if isinstance(model, str):
            findings += teller.refused(name, model)
            continue
        estimates[name] = question.estimate(question.scores(model), few_values=name == "auc_file_type")
        findings += teller.area(name, estimates[name], SURVIVES if name == "auc_patches_shuffled" else "")
    left = estimates["auc_intact"] - estimates["auc_patches_outside"]
    return findings + _expected(ready, left)


def _expected(ready: Asked, left: Estimate) -> list[Finding]:
    """Return the area that is expected elsewhere: chance, and what the order of the patches adds."""
    formula = "0.5 + (area intact - area of shuffled patches outside the lungs), our reading of Ong Ly et al. 2024"
    found = left.difference()
    blank = ready.teller.difference("auc_expected_elsewhere", left)[0]
    low, high = max(0.0, CHANCE + found.low), min(1.0, CHANCE + found.high)
    limits: dict[str, Any] = {"value": CHANCE + found.value, "low": low, "high": high}
    return [replace(blank, **limits, direction="higher is better", method=f"{formula}; {found.method}")]


def _controls(ready: Asked, view: _View) -> tuple[list[Finding], str]:
    """Return areas where nothing is to be found (T11), and what is wrong with the pipeline, or nothing."""
    question, teller = ready.question, ready.teller
    intact = view.models["auc_intact"]
    assert isinstance(intact, Discriminant)
    null = question.estimate(question.scores(intact)).null
    low, high = (float(q) for q in np.quantile(null, [0.025, 0.975]))
    how = f"range of 95 % of {len(null)} permutations of the labels over patients, no confidence interval"
    blank = teller.refused("auc_labels_shuffled", "a control of the pipeline: there is nothing to find")[0]
    mean = float(null.mean())
    findings = [replace(blank, value=mean, low=min(low, mean), high=max(high, mean), method=how)]
    noise = mean_of([question.estimate(question.scores(model)) for model in view.noise])
    findings += teller.area("auc_noise_pictures", noise, "a control of the pipeline: there is nothing to find")
    constant = question.estimate(question.scores(np.ones((len(ready.pixels), 1))))
    findings += teller.area("auc_constant_pictures", constant, "a control of the pipeline: there is nothing to find")
    wide = noise.area(level=0.999)
    wrong = {
        "shuffled labels": float(null.min()) > CHANCE,
        "pure noise": wide.low > CHANCE,
        "constant pictures": constant.value != CHANCE,
    }
    if not any(wrong.values()):
        return findings, ""
    return findings, f"the pipeline finds something in {' and '.join(w for w in wrong if wrong[w])}, so nothing counts"


def _network(classifier: Classifier, ready: Asked, view: _View, rng: np.random.Generator, steps: int) -> list[Finding]:
    """Return the area of pictures with their patches shuffled once more, by a network."""
    task, mixed = ready.task, destruction.shuffled_patches(view.pixels, rng)
    fold, seed = ready.question.fold[0], int(rng.integers(2**31))
    scores = deep.scores(classifier, mixed, task.positive, task.units, fold, seed, steps)
    return ready.teller.area("auc_patches_shuffled_deep", ready.question.estimate(scores), deep.CAUTION)
