"""The path: images in, synthetic images made or brought, checks with controls, trial, seal, verdict, report.

Every step records its findings in the run directory and is skipped when they are there already, so that the
same command carries on after a kill and ends in the same findings.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from radassay.checklists.judge import judge
from radassay.checklists.rules import read_rules
from radassay.contracts.progress import Progress, Report, silent
from radassay.engine.processes import cores, processes
from radassay.engine.spread import Where
from radassay.evidence.amendment import Amend
from radassay.evidence.finding import Finding
from radassay.evidence.provenance import provenance
from radassay.evidence.run import Run, write_atomic
from radassay.evidence.verdict import Judgement
from radassay.images.imageset import ImageSet
from radassay.images.sample import Sample
from radassay.images.splits import open_test, test_uses
from radassay.report.build import build
from radassay.report.render import to_html, to_json, to_text
from radassay.workbench import making, trying
from radassay.workbench.assessing import (
    ENCODERS,
    Assessment,
    Stage,
    alone_in_process,
    assess,
    stages_apart,
    unmeasured,
)
from radassay.workbench.encoding import eyes
from radassay.workbench.materials import (
    Materials,
    bring_synthetic,
    describe,
    gather,
    import_findings,
    stage_seed,
)
from radassay.workbench.pictures import contact_sheet
from radassay.workbench.study import Study

CAPTIONS = {
    "grid-real": "Real training images, drawn at random, at the size the study works at",
    "grid-synthetic": "Synthetic images, drawn at random",
}


@dataclass(frozen=True)
class Outcome:
    """What a run ends in."""

    judgement: Judgement
    text: str
    """The answer and the ladder, for the terminal."""
    report: Path
    """The HTML report."""
    broken: tuple[Finding, ...] = ()
    """Checks that failed and were recorded as not measured."""


def run(study: Study, out: Path, report: Report = silent, *, where: Where | None = None, amend: str = "") -> Outcome:
    """Take a study to a sealed run and its report; called again after a kill, carry on.

    Args:
        study: what is asked.
        out: the run directory.
        report: told how far it is.
        where: where the trial's trainings run; this machine's cores by default.
        amend: why the plan of the trial was changed since the run began; what was changed is kept and shown.

    Raises:
        SettingsError: the folder holds a run of another plan, and no reason to amend it is given.
        InputError: images or settings cannot be used; what was recorded before stays.
        RefusedError: the trial cannot be done with these images; said before anything is trained where real ones tell.
        EvidenceError: the folder holds another run, was altered, or cannot be written.
    """
    if not out.exists():
        trying.plan_of(study)
        for eye in eyes(study) if study.checks.run else ():
            eye.require()
        if study.synthetic.generator:
            making.generator_for(study.synthetic.generator, study.synthetic.settings, study.size)
    leave = Amend(amend, ("trial", "question")) if amend else None
    record = Run.start(out, study.plan(), provenance(), amend=leave)
    if not record.sealed:
        with timed(record, "materials"):
            materials = gather(study, record.work, task(report, "images"))
        with timed(record, "trial"):
            require_trial(study, materials, record, task(report, "trial"))
        with beside(study, record) as apart:
            with timed(record, "synthetic"):
                synthetic = make_synthetic(study, materials, record, task(report, "synthetic images"))
            if study.checks.run:
                with timed(record, "checks and controls"):
                    check(study, materials, synthetic, record, task(report, "checks"), apart)
        with timed(record, "trial"):
            trial(study, materials, synthetic, record, task(report, "trial"), where)
        note_materials(study, materials, synthetic, record)
        record.seal()
    return conclude(out, study.rules)


@contextmanager
def beside(study: Study, record: Run) -> Iterator[Future[list[Stage]] | None]:
    """Yield the costly checks of real images, at work in a process beside this one where there is a core for it."""
    if cores() == 1 or not study.checks.run or set(stages_apart(study)) <= set(record.stages()):
        yield None
        return
    with processes(1) as pool:
        try:
            yield pool.submit(alone_in_process, study, record.work)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def make_synthetic(study: Study, materials: Materials, record: Run, report: Report) -> ImageSet | None:
    """Return the study's synthetic images: imported, simulated, or made by a generator trained here; or None."""
    wanted = study.synthetic
    if wanted.source or wanted.simulated:
        synthetic = bring_synthetic(study, materials.real, record.work, materials.reports, report)
    elif wanted.generator:
        generator = making.generator_for(wanted.generator, wanted.settings, study.size)
        folder = record.work / "generator"
        seed = int(stage_seed(study, "generator").generate_state(1)[0])
        making.train(
            materials.training,
            folder,
            generator,
            size=study.size,
            fit=study.fit,
            seed=seed,
            aside=wanted.aside,
            report=report,
        )
        labels = making.labels_wanted(materials.training, wanted.images or most_wanted(study, materials))
        synthetic = making.sample(generator, folder, record.work / "sets" / "synthetic", labels, seed=seed)
    else:
        synthetic = None
    findings = import_findings(materials.reports)
    pictures = {"grid-real": sheet(materials.training, study)}
    if synthetic is not None:
        pictures["grid-synthetic"] = sheet(synthetic, study)
        findings.append(
            Finding(
                check="generation",
                name="n_synthetic",
                value=float(len(synthetic)),
                unit="images",
                method="count, exact",
                n_images=len(synthetic),
                inputs=(synthetic.fingerprint[:16],),
            )
        )
    if wanted.generator:
        findings.append(seen_of_others(materials, making.given_ids(record.work / "generator")))
        findings += seen_elsewhere(record.work / "generator" / "elsewhere.json")
    record.record("images", findings, pictures=pictures)
    return synthetic


def most_wanted(study: Study, materials: Materials) -> int:
    """Return how many synthetic images the trial's largest dose takes, and at least as many as learned from."""
    largest = max(study.trial.doses, default=1.0) if study.trial.run else 1.0
    return round(max(largest, 1.0) * len(materials.training))


def on_trial(study: Study, materials: Materials, synthetic: ImageSet | None) -> ImageSet | None:
    """Return the synthetic images that checks look at: as many as learned from where the study names no number."""
    count = len(materials.training)
    if synthetic is None or not study.synthetic.generator or study.synthetic.images or len(synthetic) <= count:
        return synthetic
    drawn = np.random.default_rng(stage_seed(study, "on trial")).permutation(len(synthetic))[:count]
    return synthetic.take(np.sort(drawn))


def seen_of_others(materials: Materials, given: list[str]) -> Finding:
    """Return how many of the images that the generator was given show a patient outside the training split."""
    table = materials.real.table
    shown = table["image"].isin(given)
    outside = table["split"] != "train"
    patients = set(table.loc[outside & (table["patient"] != ""), "patient"])
    count = int((shown & (outside | table["patient"].isin(patients))).sum())
    return Finding(
        check="generation",
        name="n_given_of_other_splits",
        value=float(count),
        unit="images",
        method="images given to the generator, by fingerprint, of patients outside the training split; exact",
        n_images=len(given),
        inputs=(materials.training.fingerprint[:16],),
    )


def seen_elsewhere(told: Path) -> list[Finding]:
    """Return what is known of the images that a generator made elsewhere had seen; nothing for one trained here."""
    if not told.exists():
        return []
    about = json.loads(told.read_text(encoding="utf-8"))
    unlike = "" if about["repeats"] else "; asked twice for the same images, it drew others"
    return [
        Finding(
            check="generation",
            name="seen_elsewhere",
            reason=f"{about['leaks']}{unlike}",
            details={"origin": about["origin"], "unknown": about["unknown"]},
        )
    ]


def check(
    study: Study,
    materials: Materials,
    synthetic: ImageSet | None,
    record: Run,
    report: Report,
    apart: Future[list[Stage]] | None,
) -> None:
    """Record the checks and their controls."""
    test = open_sealed_test(study, materials, record, "leakage check: pixels alone, no labels")
    looked_at = on_trial(study, materials, synthetic)
    assess(Assessment(study, materials, test, looked_at, record.work / ENCODERS), record, report, apart)


def open_sealed_test(study: Study, materials: Materials, record: Run, purpose: str) -> ImageSet:
    """Return the test images, after writing down for what they were opened."""
    return open_test(
        materials.real, record.work / "sets" / "real", purpose=purpose, study=json.dumps(study.plan(), sort_keys=True)
    )


def require_trial(study: Study, materials: Materials, record: Run, report: Report) -> None:
    """Refuse real images on which the trial cannot be done, before hours are spent on a generator and checks."""
    wanted = study.synthetic
    there = wanted.source or wanted.simulated or wanted.generator
    if study.trial.run and there and "trial" not in record.stages():
        test = open_sealed_test(study, materials, record, "downstream trial")
        trying.real_images(study, materials, test, record.work / "trial", report)


def trial(
    study: Study,
    materials: Materials,
    synthetic: ImageSet | None,
    record: Run,
    report: Report,
    where: Where | None,
) -> None:
    """Record the downstream trial, or why there was none."""
    if "trial" in record.stages():
        return
    if synthetic is None or not study.trial.run:
        reason = "there are no synthetic images" if synthetic is None else "the study asks for no trial"
        record.record("trial", [Finding(check="trial", name="gain_over_controls", reason=reason)])
        return
    test = open_sealed_test(study, materials, record, "downstream trial")
    trying.try_in_patients(study, materials, test, synthetic, record, report, where)


def note_materials(study: Study, materials: Materials, synthetic: ImageSet | None, record: Run) -> None:
    """Keep what the report tells of the sets, which is not measured but counted."""
    sets = {"real": describe(materials.real, materials.reports.get(materials.real.name))}
    for kind, several in (("other", materials.others), ("external", materials.external)):
        for one in several:
            sets[f"{kind}: {one.name}"] = describe(one, materials.reports.get(one.name))
    if synthetic is not None:
        sets["synthetic"] = describe(synthetic, materials.reports.get(synthetic.name))
    sets["real"]["import"] |= {f"left out, {why}": count for why, count in materials.left_out.items() if count}
    record.note("sets", sets)
    record.note("captions", CAPTIONS)
    uses = test_uses(record.work / "sets" / "real", materials.real.where(split="test"))
    told = [f"{purpose}: by {count} {'study' if count == 1 else 'studies'}" for purpose, count in uses.purposes]
    record.note("test_uses", [*told, f"opened {uses.openings} times in all, repeats of one study included"])


def conclude(out: Path, rules: str) -> Outcome:
    """Judge a sealed run and draw its report; nothing is measured again.

    Raises:
        RunUnfinished, RunAltered: the run is not sealed, or not as it was sealed.
        SettingsError: the rules cannot be used.
    """
    record = Run.open_sealed(out)
    judgement = judge(record.findings(), read_rules(rules))
    drawn = build(record, judgement)
    write_atomic(out / "report.html", to_html(drawn).encode())
    write_atomic(out / "report.json", to_json(drawn).encode())
    return Outcome(judgement, to_text(drawn), out / "report.html", tuple(unmeasured(record.findings())))


def sheet(images: ImageSet, study: Study, columns: int = 8, rows: int = 3) -> bytes:
    """Return a contact sheet of a set, without reading more images than it shows."""
    rng = np.random.default_rng(stage_seed(study, "sheet", images.name))
    labels = images.table["label"].to_numpy(dtype=str)
    shown = [rng.permutation(np.flatnonzero(labels == label))[: columns * rows] for label in sorted(set(labels))]
    return contact_sheet(Sample.of(images.take(np.concatenate(shown)), study.size, study.fit), columns, rows, 0)


def task(report: Report, name: str) -> Report:
    """Return a reporter that says which part of the run is at work."""
    return lambda progress: report(replace(progress, task=progress.task or name))


@contextmanager
def timed(record: Run, name: str) -> Iterator[None]:
    """Add the wall time of a part to the run's notes; resumed parts add up."""
    start = time.monotonic()
    yield
    seconds = dict(record.about["notes"].get("seconds", {}))
    seconds[name] = round(seconds.get(name, 0.0) + time.monotonic() - start, 1)
    record.note("seconds", seconds)


__all__ = ["Outcome", "Progress", "conclude", "run"]
