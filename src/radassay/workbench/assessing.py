"""Checks and their controls, run over the materials of a study and recorded stage by stage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from radassay import registry
from radassay.contracts import Check, Defect, Encoder, Inputs, Progress, Report
from radassay.controls.floor import matched_inputs
from radassay.controls.runner import Controls, run_controls
from radassay.errors import RadassayError
from radassay.evidence.finding import Finding
from radassay.evidence.run import Run
from radassay.images.imageset import ImageSet
from radassay.images.sample import Sample
from radassay.workbench.making import plugin
from radassay.workbench.materials import Materials, positive_name, stage_seed
from radassay.workbench.pictures import pairs_of
from radassay.workbench.study import Study


@dataclass(frozen=True)
class Assessment:
    """What a study's checks look at, read at each size that a check asks for."""

    study: Study
    materials: Materials
    sealed: ImageSet
    """The opened test images: for the leakage check's pixels alone."""
    synthetic: ImageSet | None
    encoder: Encoder

    def inputs(self, size: int) -> Inputs:
        """Return the inputs at one size; labels of the sealed images are blanked."""
        sealed = Sample.of(self.sealed, size, self.study.fit)
        return Inputs(
            training=Sample.of(self.materials.training, size, self.study.fit),
            held_out=Sample.of(self.materials.held_out, size, self.study.fit),
            synthetic=None if self.synthetic is None else Sample.of(self.synthetic, size, self.study.fit),
            encode=self.encoder.encode,
            encoder=f"{self.encoder.name} {self.encoder.fingerprint[:12]}",
            positive=positive_name(self.study),
            others=tuple(Sample.of(other, size, self.study.fit) for other in self.materials.others),
            sealed=sealed.changed(name="test", labels=np.full(len(sealed), "")),
        )


def assess(assessment: Assessment, record: Run, report: Report) -> None:
    """Measure every check, then its controls, and record each as a stage.

    A check that raises is recorded as not measured with the reason; the others go on.
    """
    study = assessment.study
    checks = [registry.load("checks", name)() for name in study.checks.names or registry.names("checks")]
    if assessment.synthetic is None:
        checks = [check for check in checks if check.reads == "real"]
    for size, group in _by_size(checks, study.size):
        stages = [f"check {check.name}" for check in group] + [f"controls {size} px"]
        if set(stages) <= set(record.stages()):
            continue
        inputs = assessment.inputs(size)
        for number, check in enumerate(group):
            report(Progress(number, len(group), "checks", check.name, f"checks at {size} px"))
            if f"check {check.name}" not in record.stages():
                findings = measure(check, inputs, np.random.default_rng(stage_seed(study, "check", check.name)))
                record.record(f"check {check.name}", findings, pictures=_pictures(check, findings, inputs))
        if study.checks.controls:
            control(group, inputs, study, record, f"controls {size} px", report)


def measure(check: Check, inputs: Inputs, rng: np.random.Generator) -> list[Finding]:
    """Return a check's findings, or the finding that it could not measure and why."""
    draw, work = rng.spawn(2)
    try:
        return check.measure(matched_inputs(inputs, check, draw), work)
    except RadassayError as error:
        reason = str(error)
    except Exception as error:
        # One broken check must not take the evidence of the others with it.
        reason = f"the check failed: {type(error).__name__}: {error}"
    return [Finding(check=check.name, name="measured", reason=reason)]


def control(checks: Sequence[Check], inputs: Inputs, study: Study, record: Run, stage: str, report: Report) -> None:
    """Record floor, planted defects and limits of detection of some checks, as one stage."""
    if stage in record.stages():
        return
    reads = {check.reads for check in checks}
    defects: list[Defect] = [registry.load("controls", name)() for name in registry.names("controls")]
    defects = [d for d in defects if d.into in reads]
    settings = Controls(blanks=study.checks.blanks, repeats=study.checks.repeats)
    seed = np.random.default_rng(stage_seed(study, "controls", stage))
    by_check = run_controls(checks, defects, inputs, settings, seed, report)
    record.record(stage, [finding for check in checks for finding in by_check.get(check.name, [])])


def unmeasured(findings: Sequence[Finding]) -> list[Finding]:
    """Return the checks that broke, for the exit code."""
    return [f for f in findings if f.name == "measured" and f.value is None]


def encoder_of(study: Study) -> Any:
    """Return the study's encoder."""
    return plugin("encoders", study.checks.encoder, {})


def _by_size(checks: Sequence[Check], size: int) -> Iterator[tuple[int, list[Check]]]:
    """Yield the checks by the size in pixels that they want, the study's own size first."""
    sizes = [getattr(check, "size", size) for check in checks]
    for wanted in sorted(set(sizes), key=lambda s: (s != size, s)):
        yield wanted, [check for check, s in zip(checks, sizes, strict=True) if s == wanted]


def _pictures(check: Check, findings: Sequence[Finding], inputs: Inputs) -> dict[str, bytes]:
    """Return the sheets of pairs that a check's findings name."""
    samples = [s for s in (inputs.training, inputs.held_out, inputs.synthetic, inputs.sealed, *inputs.others) if s]
    pictures = {image: pixels for s in samples for image, pixels in zip(s.images.tolist(), s.pixels, strict=True)}
    sheets = {f"pairs-{check.name}-{f.name.replace('_', '-')}": pairs_of(f, pictures) for f in findings}
    return {name: sheet for name, sheet in sheets.items() if sheet is not None}
