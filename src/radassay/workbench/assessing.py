"""Checks and their controls, run over the materials of a study and recorded stage by stage."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from radassay import registry
from radassay.checklists.rules import OfPlanted, read_rules
from radassay.contracts.check import Check, Inputs
from radassay.contracts.defect import Defect
from radassay.contracts.progress import Progress, Report, silent
from radassay.controls.floor import matched_inputs, thinned
from radassay.controls.runner import Controls, run_controls
from radassay.controls.wanted import Wanted
from radassay.engine.processes import cores
from radassay.errors import RadassayError
from radassay.evidence.finding import Finding
from radassay.evidence.run import Run
from radassay.images.imageset import ImageSet
from radassay.images.sample import Sample
from radassay.workbench.encoding import Eye, eyes
from radassay.workbench.materials import Materials, gather, positive_name, stage_seed
from radassay.workbench.pictures import examples_of, pairs_of
from radassay.workbench.study import Study

CONTROLS, ENCODERS = "controls", "encoders"
ALL_IMAGES = "images=all"
"""The slice of what is measured with all images, where the judged measurement has as many as its controls."""
MOST_ALONE = 160
"""Real images in the controls of a check with a size of its own."""


@dataclass(frozen=True)
class Assessment:
    """What a study's checks look at, read at each size that a check asks for."""

    study: Study
    materials: Materials
    sealed: ImageSet
    """The opened test images: for the leakage check's pixels alone."""
    synthetic: ImageSet | None
    folder: Path
    """Keeps what encoders have learnt."""

    def inputs(self, size: int) -> Inputs:
        """Return the inputs at one size, without an encoder; labels of the sealed images are blanked."""
        sealed = Sample.of(self.sealed, size, self.study.fit)
        return Inputs(
            training=Sample.of(self.materials.training, size, self.study.fit),
            held_out=Sample.of(self.materials.held_out, size, self.study.fit),
            synthetic=None if self.synthetic is None else Sample.of(self.synthetic, size, self.study.fit),
            positive=positive_name(self.study),
            others=tuple(Sample.of(other, size, self.study.fit) for other in self.materials.others),
            sealed=sealed.changed(name="test", labels=np.full(len(sealed), "")),
        )


class Stage(NamedTuple):
    """A finished part of an assessment, ready to be recorded."""

    name: str
    findings: list[Finding]
    pictures: dict[str, bytes]


def assess(assessment: Assessment, record: Run, report: Report, apart: Future[list[Stage]] | None = None) -> None:
    """Measure every check, then its controls, and record each as a stage.

    A check that raises is recorded as not measured with the reason; the others go on.

    Args:
        assessment: what the checks look at.
        record: gets the stages, always in the same order; those it has are not done again.
        report: told how far it has come.
        apart: the stages of the checks with a size of their own, at work in another process; None works here.
    """
    study = assessment.study
    together = [c for c in checks_of(study) if own_size(c) is None]
    together = [c for c in together if assessment.synthetic is not None or c.reads == "real"]
    inputs = None
    for eye in eyes(study):
        checks = [c for c in together if c.encoded] if eye.second else together
        if not set(_stages(eye, checks, study)) <= set(record.stages()):
            inputs = assessment.inputs(study.size) if inputs is None else inputs
            _look(eye, checks, inputs, assessment, record, report)
    if set(stages_apart(study)) <= set(record.stages()):
        return
    for name, findings, pictures in alone(assessment, report) if apart is None else apart.result():
        record.record(name, findings, pictures=pictures)


def _stages(eye: Eye, checks: Sequence[Check], study: Study) -> list[str]:
    """Return the names of the stages of one encoder."""
    names = [f"check {check.name}" for check in checks] + [CONTROLS] * study.checks.controls
    return [eye.stage(name) for name in names]


def _look(
    eye: Eye, checks: Sequence[Check], inputs: Inputs, assessment: Assessment, record: Run, report: Report
) -> None:
    """Measure the checks and their controls with one encoder, each once."""
    study, seen = assessment.study, eye.sees(inputs, assessment.study, assessment.folder, report)
    for number, check in enumerate(checks):
        report(Progress(number, len(checks), "checks", check.name, "checks"))
        stage = eye.stage(f"check {check.name}")
        if stage not in record.stages():
            done = measured(check, seen, study, whole=not eye.second)
            # What a second encoder names is not drawn again.
            record.record(stage, eye.told(done.findings), pictures={} if eye.second else done.pictures)
    stage = eye.stage(CONTROLS)
    if study.checks.controls and stage not in record.stages():
        wanted = held_against(checks, study.rules) if eye.second else None
        record.record(stage, eye.told(control(checks, seen, study, CONTROLS, report, wanted, cores())))


def alone(assessment: Assessment, report: Report = silent) -> list[Stage]:
    """Return the stages of the checks with a size of their own; they look at real images and are costly."""
    stages, study = [], assessment.study
    # One thread, so that the numbers are the same in this process and in one beside it.
    with threadpool_limits(1):
        for check in checks_of(study):
            size = own_size(check)
            if size is None:
                continue
            inputs = assessment.inputs(size)
            stages.append(measured(check, inputs, study))
            if study.checks.controls:
                name = f"{CONTROLS} {check.name}"
                few = thinned(inputs, MOST_ALONE, np.random.default_rng(stage_seed(study, "few", check.name)))
                stages.append(Stage(name, control([check], few, study, name, report), {}))
    return stages


def alone_in_process(study: Study, work: Path) -> list[Stage]:
    """Return what `alone` does, for a process that has nothing but the study and its materials on disk."""
    materials = gather(study, work, silent)
    test = materials.real.where(split="test")
    return alone(Assessment(study, materials, test, None, work / ENCODERS))


def stages_apart(study: Study) -> list[str]:
    """Return the names of the stages that `alone` makes."""
    names = [check.name for check in checks_of(study) if own_size(check) is not None]
    heads = ("check", CONTROLS) if study.checks.controls else ("check",)
    return [f"{head} {name}" for name in names for head in heads]


def checks_of(study: Study) -> list[Check]:
    """Return the study's checks."""
    return [registry.load("checks", name)() for name in study.checks.names or registry.names("checks")]


def own_size(check: Check) -> int | None:
    """Return the size in pixels at which a check of real images wants them, whatever the study's; else None."""
    return getattr(check, "size", None) if check.reads == "real" else None


def measured(check: Check, inputs: Inputs, study: Study, whole: bool = True) -> Stage:
    """Return a check's findings and the pictures that they name."""
    rng = np.random.default_rng(stage_seed(study, "check", check.name))
    findings = measure(check, inputs, rng, study.checks.control_images, whole)
    return Stage(f"check {check.name}", findings, _pictures(check, findings, inputs))


def measure(check: Check, inputs: Inputs, rng: np.random.Generator, most: int, whole: bool = True) -> list[Finding]:
    """Return a check's findings, or the finding that it could not measure and why.

    A check whose values depend on the number of images is measured at the numbers of its controls, since rules hold
    it against these, and once more with all images.

    Args:
        check: the check.
        inputs: all images.
        rng: source of randomness.
        most: images on each side of a control, at most.
        whole: measure with all images too, in the slice `images=all`.
    """
    draw, work, again = rng.spawn(3)
    try:
        matched = matched_inputs(inputs, check, draw, most)
        findings = check.measure(matched, work)
        if whole and matched is not inputs:
            findings += [replace(f, slice=ALL_IMAGES) for f in check.measure(inputs, again) if f.slice == "all"]
        return findings
    except RadassayError as error:
        reason = str(error)
    except Exception as error:
        # One broken check must not take the evidence of the others with it.
        reason = f"the check failed: {type(error).__name__}: {error}"
    return [Finding(check=check.name, name="measured", reason=reason)]


def control(
    checks: Sequence[Check],
    inputs: Inputs,
    study: Study,
    stage: str,
    report: Report,
    wanted: Wanted | None = None,
    workers: int = 1,
) -> list[Finding]:
    """Return floor, planted defects and limits of detection of some checks."""
    defects: list[Defect] = [registry.load("controls", name)() for name in registry.names("controls")]
    settings = Controls(
        blanks=study.checks.blanks, repeats=study.checks.repeats, images=study.checks.control_images, workers=workers
    )
    seed = np.random.default_rng(stage_seed(study, stage))
    by_check = run_controls(checks, defects, inputs, settings, seed, report, wanted)
    return [finding for check in checks for finding in by_check.get(check.name, [])]


def held_against(checks: Sequence[Check], rules: str) -> Wanted:
    """Return what a second encoder's verdicts need: every floor, and the planted doses that rules compare with."""
    doses: dict[str, dict[str, tuple[float, ...]]] = {
        f"{c.name}.{measure}": {} for c in checks for measure in c.watched
    }
    for rule in read_rules(rules).rules:
        if isinstance(rule.threshold, OfPlanted) and rule.finding in doses:
            planted = doses[rule.finding]
            planted[rule.threshold.control] = (*planted.get(rule.threshold.control, ()), rule.threshold.dose)
    return Wanted(doses)


def unmeasured(findings: Sequence[Finding]) -> list[Finding]:
    """Return the checks that broke, for the exit code."""
    return [f for f in findings if f.name == "measured" and f.value is None]


def _pictures(check: Check, findings: Sequence[Finding], inputs: Inputs) -> dict[str, bytes]:
    """Return the sheets of pairs and of single images that a check's findings name."""
    samples = [s for s in (inputs.training, inputs.held_out, inputs.synthetic, inputs.sealed, *inputs.others) if s]
    pictures = {image: pixels for s in samples for image, pixels in zip(s.images.tolist(), s.pixels, strict=True)}
    named = [(f"{check.name}-{f.name.replace('_', '-')}", f) for f in findings]
    sheets = {f"pairs-{name}": pairs_of(f, pictures) for name, f in named}
    sheets |= {f"examples-{name}": examples_of(f, pictures) for name, f in named}
    return {name: sheet for name, sheet in sheets.items() if sheet is not None}
