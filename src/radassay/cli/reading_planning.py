"""From a request to a reader study ready to be written: for `radassay reading plan` and for the coordinator's page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from radassay.errors import SettingsError
from radassay.reading.plan import ReadingPlan, power_of

if TYPE_CHECKING:
    from radassay.evidence.finding import Finding
    from radassay.images.imageset import ImageSet
    from radassay.reading.pack import Pack

ROUNDS = 3
"""Times that steps are added to both arms against a leak, and tested again."""


@dataclass(frozen=True)
class Prepared:
    """A study that was drawn and tested for leaks, not written yet."""

    packed: Pack
    leaks: tuple[Finding, ...]
    tells: tuple[str, ...]
    """What tells the arms apart beyond the plan's limit."""

    @property
    def plan(self) -> ReadingPlan:
        """Return the plan with what the images and the remedies settled."""
        return self.packed.plan

    @property
    def asked(self) -> int:
        """Return how many items each reader is asked, training included."""
        return sum(len(block["items"]) + len(block["training"]) for block in self.packed.study["blocks"])


def prepare(
    plan: ReadingPlan, real: ImageSet, synthetic: ImageSet, *, remedy: bool, say: Callable[[str], None]
) -> Prepared:
    """Draw the cases and test their pixels; with `remedy`, change both arms alike where they can be told apart.

    Args:
        plan: what is asked.
        real: images acquired from patients, with splits.
        synthetic: generated images.
        remedy: whether steps are added against a leak.
        say: is told of every such round.

    Raises:
        InputError: as `radassay.reading.pack.pack`.
        RefusedError: as there.
    """
    import numpy as np

    from radassay.reading.leak import telling
    from radassay.reading.pack import pack
    from radassay.reading.pipeline import remedied

    for n in range(ROUNDS + 1):
        packed = pack(plan, real, synthetic)
        found = packed.leaks(np.random.default_rng(plan.seed))
        tells = telling(found, plan.leak_limit)
        further = remedied(plan, tells, hu=packed.pixels.scale.hu)
        if not remedy or further == plan or n == ROUNDS:
            break
        say(f"told apart by {' and '.join(tells)}; both arms are changed alike and tested again")
        plan = further
    return Prepared(packed, tuple(found), tuple(tells))


def write(folder: Path, prepared: Prepared, served: Any) -> list[Finding]:
    """Write a study where its leaks allow it, and return what is known before the first reading.

    Args:
        folder: new or empty.
        prepared: the study.
        served: the module `radassay.web.served`.

    Raises:
        RefusedError: the arms can be told apart, and no reason was given to accept it.
        SettingsError: the folder is not empty.
        StorageError: the folder cannot be written.
    """
    from radassay.reading.leak import require_blind
    from radassay.reading.study import require_new, write_study

    require_new(folder)
    plan, packed = prepared.plan, prepared.packed
    require_blind(prepared.leaks, plan.leak_limit, plan.override)
    before = [*packed.facts, *prepared.leaks, *power_of(plan, len(packed.labels))]
    study = served.Study.model_validate(packed.study)
    write_study(
        folder, plan, packed.key, before, lambda into: str(served.write_served(into, study, packed.pixels).fingerprint)
    )
    return before


def sets_of(real: Path, synthetic: Path | None) -> tuple[ImageSet, ImageSet]:
    """Return real images with their splits and synthetic images, of a run or of two image sets.

    Raises:
        SettingsError: two image sets are needed, or the run's patient codes were keyed.
        InputError: a folder holds no image set.
    """
    import json

    from radassay.contracts.progress import silent
    from radassay.images.imageset import ImageSet

    if not (real / "run.json").exists():
        if synthetic is None:
            raise SettingsError("Name a set of synthetic images too", possible="Or the folder of a run alone")
        return ImageSet.open(real), ImageSet.open(synthetic)
    from radassay.workbench.materials import gather
    from radassay.workbench.study import study_of

    told = json.loads((real / "run.json").read_text())["plan"]
    if told.get("real", {}).get("patient_key"):
        raise SettingsError("The patients of this run were coded with a key", possible="Give two image sets instead")
    study = study_of(told, str(real))
    made = ImageSet.open(synthetic or real / "work" / "sets" / "synthetic")
    return gather(study, real / "work", silent).real, made.with_columns(patient="", study="")


def opened(real: ImageSet, folder: Path, plan: ReadingPlan) -> None:
    """Write down beside a set, or in a run, that its test images are used, where they are."""
    from radassay.images.splits import open_test

    ledger = folder / "work" / "sets" / "real" if (folder / "run.json").exists() else folder
    if plan.split != "validation" and (real.table["split"] == "test").any():
        open_test(real, ledger, purpose="reader study", study=plan.draw)


def told(finding: Finding) -> str:
    """Return one of the findings from before the first reading, with its caution."""
    from radassay.evidence.wording import label, with_interval

    if finding.value is None:
        return f"{label(finding.name)}: {finding.reason}"
    words = with_interval(finding)
    if finding.name.startswith("leak_"):
        number = words.removeprefix(label(finding.name).lower()).strip()
        words = f"real or synthetic by {finding.name.removeprefix('leak_')}: AUC {number}"
    return f"{words} ({finding.reason})" if finding.reason else words


def side_of(plan: ReadingPlan) -> str:
    """Return how large every image is, in words."""
    stack = f" x {plan.slices} slices {plan.slice_mm:.3g} mm apart" if plan.slices > 1 else ""
    return f"{plan.size} x {plan.size} pixels{stack}"


def changed(plan: ReadingPlan) -> str:
    """Return what is done to both arms beyond resizing, in words."""
    steps = [f"{plan.hu[0]:g} to {plan.hu[1]:g} HU" if plan.hu else f"{plan.levels} grey levels"]
    steps += [f"{plan.trim:.0%} trimmed off each edge"] if plan.trim else []
    steps += [f"smoothed by {plan.smooth:g} pixels"] if plan.smooth else []
    steps += ["grey values equalised"] if plan.equalise else []
    return "; both arms: " + ", ".join(steps)
