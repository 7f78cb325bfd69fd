"""Everything the report says of a reader study beyond its list of findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from radassay.evidence import wording
from radassay.evidence.finding import Finding
from radassay.evidence.run import Run
from radassay.report import reading_intervals, reading_opening
from radassay.report.parts import mapping
from radassay.report.reading_cases import Cases, cases
from radassay.report.reading_clicks import Clicks, clicks
from radassay.report.reading_curves import Roc, rocs
from radassay.report.reading_intervals import Intervals
from radassay.report.reading_words import QUESTIONS, READING, numbers, parts, people


@dataclass(frozen=True)
class Learning:
    """Right answers from the first case to the last."""

    points: tuple[tuple[float, float, float, float], ...]
    """Number of the part of the sequence from 0, share right (mean over readers), and its interval."""
    told: str


@dataclass(frozen=True)
class ByArm:
    """How often readers could not judge, and how long they looked, for one question and arm."""

    question: str
    arm: str
    cannot: str
    seconds: str


@dataclass(frozen=True)
class ReadingPage:
    """A reader study in pictures and tables; what is not there was not measured."""

    lead: str
    further: tuple[str, ...]
    power: str
    unblinded: tuple[str, ...]
    cautions: tuple[str, ...]
    basis: str
    """Readers, and what they were asked."""
    rocs: tuple[Roc, ...]
    areas: Intervals | None
    choices: Intervals | None
    diagnoses: Intervals | None
    agreement: tuple[Intervals, ...]
    detections: tuple[Intervals, ...]
    cases: Cases | None
    by_chance: tuple[str, ...]
    """How many unanimous cases there are, and how many chance gives, in words."""
    plausible: Intervals | None
    clicks: Clicks | None
    learning: Learning | None
    times: Intervals | None
    by_arm: tuple[ByArm, ...]
    catch: str
    missing: tuple[tuple[str, str], ...]
    """What the page would show and why it does not."""


def reading_page(run: Run, findings: Sequence[Finding]) -> ReadingPage | None:
    """Return the pictures' numbers and the words of a reader study; None where there is none."""
    own = [f for f in findings if f.check == READING and f.role == "measurement"]
    if not any(f.name == "n_readers" for f in own):
        return None
    plan, notes = mapping(run.plan.get(READING)), mapping(run.about.get("notes"))
    readers = reading_opening.by_question(own)
    many = readers.get("realness", max(readers.values(), default=0))
    return ReadingPage(
        lead=reading_opening.lead(own, plan),
        further=tuple(reading_opening.further(own)),
        power=reading_opening.power(own),
        unblinded=tuple(reading_opening.unblinded(notes, plan)),
        cautions=tuple(reading_opening.cautions(own, plan)),
        basis=_basis(own, readers),
        rocs=rocs(own),
        areas=reading_intervals.areas(own, many),
        choices=reading_intervals.choices(own, readers.get("choice", many)),
        diagnoses=reading_intervals.diagnoses(own),
        agreement=tuple(p for p in (reading_intervals.agreement(own), reading_intervals.with_self(own)) if p),
        detections=reading_intervals.detections(own),
        cases=_cases(run, own),
        by_chance=tuple(_by_chance(own)),
        plausible=reading_intervals.plausible(own),
        clicks=clicks(own),
        learning=_learning(own),
        times=reading_intervals.times(own),
        by_arm=tuple(_by_arm(own)),
        catch=_catch(own),
        missing=tuple(_missing(own)),
    )


def _basis(own: Sequence[Finding], readers: Mapping[str, int]) -> str:
    planned = next((f.details.get("planned") for f in own if f.name == "n_readers"), None)
    meant = f" of {int(planned)} planned" if planned else ""
    if planned and set(readers.values()) == {int(planned)} and planned > 1:
        return f"All {int(planned)} planned readers answered enough to count."
    if len(set(readers.values())) == 1:
        whom = "the question" if len(readers) == 1 else f"every one of {len(readers)} questions"
        return f"{people(min(readers.values()))}{meant} answered enough of {whom} to count."
    each = [f"{QUESTIONS.get(question, question)}: {people(count)}" for question, count in readers.items()]
    return f"Readers{meant} who answered enough to count: {'; '.join(each)}."


def _cases(run: Run, own: Sequence[Finding]) -> Cases | None:
    if "answers" not in run.tables():
        return None
    readers = sorted(parts(f)["reader"] for f in own if f.name == "auc_reader" and "reader" in parts(f))
    table = run.table("answers")
    rows: list[dict[str, Any]] = table.to_dict("records")  # type: ignore[assignment]
    return cases(rows, readers) if len(readers) > 1 else None


def _by_chance(own: Sequence[Finding]) -> list[str]:
    found = {f.name: f for f in own}
    told = []
    for name, word in (("n_all_right", "right"), ("n_all_wrong", "wrong")):
        seen, expected = found.get(name), found.get(f"{name}_by_chance")
        if seen is None or seen.value is None or expected is None or expected.value is None:
            continue
        p = float(expected.details.get("p_as_many", 1.0))
        often = "less than once" if p < 0.001 else f"{1000 * p:.0f} times"
        mean = f"{expected.value:.1f}" if expected.value >= 0.05 else "fewer than 0.1"
        told.append(
            f"Every reader got {wording.number(seen.value, 'count')} of {seen.n_images} cases {word}. If each had the "
            f"same number of right answers, but on cases of their own, {mean} would be expected ({expected.low:.0f} to "
            f"{expected.high:.0f} in 95 such studies of 100); so many or more would come up {often} in 1,000."
        )
    return told


def _learning(own: Sequence[Finding]) -> Learning | None:
    f = next((f for f in own if f.name == "learning_difference" and f.value is not None), None)
    points = tuple((p[0], p[1], p[2], p[3]) for p in f.details.get("points", ())) if f else ()
    if f is None or not points:
        return None
    change = f"Change from the first case to the last, mean over readers: {numbers(f)}"
    return Learning(points, f"{change}; 0.1 is 10 right answers more in 100.")


def _by_arm(own: Sequence[Finding]) -> list[ByArm]:
    cannot = {f.slice: f for f in own if f.name == "cannot_judge"}
    seconds = {f.slice: f for f in own if f.name == "reading_time" and f.value is not None}
    rows = []
    for part, finding in cannot.items():
        told = parts(finding)
        spent = numbers(seconds[part]) if part in seconds else ""
        arm = "" if told["arm"] == "both" else told["arm"]
        rows.append(ByArm(QUESTIONS.get(told["question"], told["question"]), arm, numbers(finding), spent))
    return rows


def _catch(own: Sequence[Finding]) -> str:
    whole = next((f for f in own if f.name == "catch_share" and f.slice == "all" and f.value is not None), None)
    if whole is None:
        return ""
    told = f"Of {whole.n_images} images broken on purpose, readers called {numbers(whole)} synthetic."
    careless = [
        f"{parts(f)['reader']} {numbers(f)}"
        for f in own
        if f.name == "catch_share" and "reader" in parts(f) and f.value is not None and f.value < 1
    ]
    return f"{told} Not all of them: {'; '.join(careless)}." if careless else told


def _missing(own: Sequence[Finding]) -> list[tuple[str, str]]:
    """Return what is missing where a picture would be, each reason once."""
    names = {
        "auc_readers": "AUC over readers",
        "choice_correct": "Right choices over readers",
        "diagnosis_difference": "Diagnosis on synthetic against real images",
        "plausible_difference": "Plausible structures",
        "learning_difference": "Learning from first to last case",
        "reading_time_ratio": "Time by arm",
    }
    told = [(names[f.name], f.reason) for f in own if f.name in names and f.value is None]
    return [*dict.fromkeys(told)]
