"""The reader study's plan, fixed and hashed before the first reading, and what it could show."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

import numpy as np

from radassay.errors import SettingsError
from radassay.evidence.finding import Finding
from radassay.stats.reader_power import Design, power

Question = Literal["realness", "choice", "diagnosis", "plausibility"]
QUESTIONS: dict[str, str] = {
    "diagnosis": "What does this image show?",
    "choice": "Which of these images is real?",
    "plausibility": "Are these structures plausible?",
    "realness": "Is this image real or synthetic?",
}
"""What readers are asked, in the order in which they are asked: a diagnosis is given before anything is suspected."""
ENOUGH_READERS = 6
"""With fewer, how much readers differ cannot be told, and the study is a pilot (Obuchowski and Rockette)."""


@dataclass(frozen=True)
class ReadingPlan:
    """What is asked of how many readers about how many images, and what will be said of the answers.

    Raises:
        SettingsError: a setting is out of range, unknown or missing.
    """

    questions: tuple[Question, ...] = ("realness",)
    """`realness` A, `choice` B, `diagnosis` C, `plausibility` D; each is asked about cases of its own."""
    readers: int = 6
    """How many radiologists read; below six the study is a pilot."""
    cases: int = 50
    """Cases of every class and question: so many real and so many synthetic images. A case of `choice` is one real
    image among synthetic ones."""
    labels: tuple[str, ...] = ()
    """Classes that cases are drawn from; empty for all that both arms have."""
    positive: str = ""
    """The class that a diagnosis is about; asked for by `diagnosis`."""
    alternatives: int = 2
    """Images of a choice, of which one is real: 2 or 4."""
    structures: tuple[str, ...] = ("ribs", "heart border", "diaphragm", "lung vessels", "devices and text")
    """What `plausibility` asks about."""
    repeats: float = 0.1
    """Share of the cases that every reader sees again, under another id and without knowing."""
    catch: int = 4
    """Images of `realness` that are broken so that nobody who looks calls them real."""
    training: int = 4
    """Images of a question, half of them real, that are read first and whose truth is told; they do not count.
    Not for `choice` and `plausibility`."""
    margin: float = 0.1
    """Equivalence: the largest distance of the AUC from 0.5 that does not matter."""
    area: float = 0.6
    """The AUC that must not be missed, for the power."""
    split: Literal["test", "validation", "held-out", "any"] = "held-out"
    """Which real images: of patients that the generator did not learn from. `any` if no split is written down."""
    modality: str = ""
    """Modality of all images, as the image sets name it, such as `X-ray`; empty for the one that both arms have."""
    size: int = 0
    """Side in pixels of what is shown; 0 for the smallest side of any image of either arm, at most 1024."""
    slices: int = 0
    """Slices of every stack, from the middle of each study; 1 for single pictures. 0 for as many as the shortest study
    has, at most 64, where both arms have volumes, and else 1."""
    slice_mm: float = 0.0
    """Distance of neighbouring slices, within a quarter; 0 for the usual one, thinned so that 64 cover the shortest
    study."""
    hu: tuple[float, ...] = ()
    """Lowest and highest Hounsfield unit (CT) that is kept in either arm; empty for what both reach, within -1024 to
    3071. This is no window: readers choose theirs."""
    fit: Literal["squash", "pad", "crop"] = "crop"
    """How images of either arm become square."""
    levels: int = 256
    """Grey levels that images of either arm are rounded to, over 16 bits; 65536 keeps all. CT in Hounsfield units is
    rounded to whole units instead."""
    trim: float = 0.0
    """Share of the side cut off every edge, in either arm."""
    smooth: float = 0.0
    """Standard deviation in pixels of a Gaussian filter, in either arm."""
    equalise: bool = False
    """Whether every image is given the mean grey-value distribution of all images, in either arm."""
    leak_limit: float = 0.6
    """The plan is refused where the lower limit of the AUC of a leak lies above."""
    override: str = ""
    """Why a leak is accepted; it is told with every result."""
    right_on_left: bool = False
    """Whether the patient's right is known to be at the left edge of every image, so that the page may say so."""
    title: str = "Reader study"
    consent: str = (
        "You will see radiological images, one after the other. Some of them are synthetic. Your answers are kept "
        "under a random code, without your name. You may stop and withdraw at any time."
    )
    """What readers agree to."""
    runs: int = 200
    """Simulated studies behind each figure of the power."""
    seed: int = 1

    def __post_init__(self) -> None:
        if not self.questions or set(self.questions) - set(QUESTIONS) or len(set(self.questions)) < len(self.questions):
            raise SettingsError(
                "questions must be known and different", got=self.questions, possible=", ".join(QUESTIONS)
            )
        if "diagnosis" in self.questions and not self.positive:
            raise SettingsError("A diagnosis needs the class that it is about", possible="Give `positive`")
        if self.labels and self.positive and self.positive not in self.labels:
            raise SettingsError("positive is none of the labels", got=self.positive, possible=", ".join(self.labels))
        if self.alternatives not in (2, 4):
            raise SettingsError("A choice is among 2 or 4 images", got=self.alternatives)
        if "plausibility" in self.questions and not 1 <= len(set(self.structures)) == len(self.structures) <= 9:
            raise SettingsError("plausibility needs one to nine different structures", got=self.structures)
        if self.override != self.override.strip():
            raise SettingsError("override must say why", got=repr(self.override))
        if self.size and not 16 <= self.size <= 4096:
            raise SettingsError("size must be 0 or lie from 16 to 4096", got=self.size)
        if self.hu and not (len(self.hu) == 2 and -32768 <= self.hu[0] <= self.hu[1] - 16 <= 32767 - 16):
            raise SettingsError("hu must be a lowest and a highest Hounsfield unit, at least 16 apart", got=self.hu)
        for name, low, high in _RANGES:
            value = getattr(self, name)
            if not low <= value <= high:
                raise SettingsError(f"{name} must lie from {low:g} to {high:g}", got=value)

    @property
    def hash(self) -> str:
        """Return the SHA-256 (hex) of every field.

        A modality counts only where there is one, so that plans from before there was such a field keep their hash.
        """
        told = {name: value for name, value in asdict(self).items() if name != "modality" or value}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    @property
    def draw(self) -> str:
        """Return the hash of all but what is settled from the images, so that a settled plan draws the same cases."""
        return replace(self, modality="", size=0, slices=0, slice_mm=0.0, hu=()).hash

    @property
    def pilot(self) -> bool:
        """Return whether there are too few readers to say anything of other readers."""
        return self.readers < ENOUGH_READERS

    @property
    def ordered(self) -> tuple[str, ...]:
        """Return the questions in the order in which they are asked."""
        return tuple(question for question in QUESTIONS if question in self.questions)

    def n_repeats(self, items: int) -> int:
        """Return how many of so many cases are shown again."""
        return math.ceil(self.repeats * items)


_RANGES: Sequence[tuple[str, float, float]] = (
    ("readers", 1, 1000),
    ("cases", 2, 10_000),
    ("repeats", 0.1, 1),
    ("catch", 0, 100),
    ("training", 0, 100),
    ("margin", 0.01, 0.4),
    ("area", 0.51, 0.99),
    ("levels", 16, 65536),
    ("slices", 0, 2048),
    ("slice_mm", 0, 1000),
    ("trim", 0, 0.4),
    ("smooth", 0, 20),
    ("leak_limit", 0.5, 0.95),
    ("runs", 20, 100_000),
    ("seed", 0, 2**63 - 1),
)


def power_of(plan: ReadingPlan, classes: int) -> list[Finding]:
    """Return what the study could show, before it starts, by simulated readers and the analysis it will get.

    Args:
        plan: readers, cases and margin.
        classes: classes that cases are drawn from.
    """
    n = plan.cases * classes
    method = f"simulated readers, {plan.runs} studies, Obuchowski-Rockette (Hillis 2014)"
    about = {"readers": plan.readers, "real": n, "synthetic": n, "margin": plan.margin, "area": plan.area}
    names = ("power_equivalence", "power_detection", "power_half_width")
    if plan.readers < 2:
        reason = "one reader says nothing of other readers, so nothing can be shown of them"
        return [Finding(check="reading", name=name, reason=reason, method=method, details=about) for name in names]
    design = Design(plan.readers, n, n)
    found = power(design, np.random.default_rng(plan.seed), margin=plan.margin, area=plan.area, runs=plan.runs)
    reason = f"a pilot: {plan.readers} readers, where {ENOUGH_READERS} are needed" if plan.pilot else ""
    told = [
        Finding(
            check="reading",
            name=name,
            value=share.value,
            low=share.low,
            high=share.high,
            reason=reason,
            method=f"{method}; {share.method}",
            unit="share of studies",
            direction="higher is better",
            n_images=2 * n,
            details=about,
        )
        for name, share in zip(names, (found.equivalence, found.detection), strict=False)
    ]
    width = Finding(
        check="reading",
        name=names[2],
        value=found.half_width,
        reason=reason,
        method=method,
        unit="AUC",
        direction="lower is better",
        n_images=2 * n,
        details=about,
    )
    return [*told, width]
