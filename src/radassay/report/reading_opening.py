"""What a reader study showed, in a few plain sentences, by its own plan and no further."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from radassay.evidence import wording
from radassay.evidence.finding import Finding
from radassay.report.parts import mapping
from radassay.report.reading_words import QUESTIONS, numbers, people

ENOUGH = 6
"""Fewer readers make a pilot."""


def lead(own: Sequence[Finding], plan: Mapping[str, Any]) -> str:
    """Return the sentence that the study was held for; of several questions the first that has an answer."""
    for question, told in _told(own).items():
        few = by_question(own).get(question, ENOUGH)
        return f"{told} A pilot of {people(few)}: {ENOUGH} are needed." if few < ENOUGH else told
    single = [f for f in own if f.name == "auc_reader" and f.value is not None]
    if len(single) == 1:
        return (
            f"One reader took part, whose AUC of telling synthetic from real images was {numbers(single[0])}; 0.5 is "
            "guessing. Of other readers this says nothing."
        )
    reason = next((f.reason for f in own if f.name == "auc_readers"), "")
    reason = reason or next((f.reason for f in own if f.value is None), "no question has an answer")
    asked = people(int(plan["readers"])) if "readers" in plan else "the readers"
    return f"The study of {asked} answers none of its questions: {reason}."


def by_question(own: Sequence[Finding]) -> dict[str, int]:
    """Return how many readers count in each question."""
    found = next((f for f in own if f.name == "n_readers" and f.value is not None), None)
    return {str(k): int(v) for k, v in mapping(found.details.get("by_question")).items()} if found else {}


def further(own: Sequence[Finding]) -> Iterator[str]:
    """Yield what the other questions showed."""
    yield from [*_told(own).values()][1:]


def _told(own: Sequence[Finding]) -> dict[str, str]:
    """Return what was shown, by question; what was not measured is left out."""
    said = {"realness": _realness, "choice": _choice, "diagnosis": _diagnosis, "plausibility": _plausibility}
    return {question: told for question, words in said.items() if (told := words(own))}


def _realness(own: Sequence[Finding]) -> str:
    f = _of(own, "auc_readers")
    if f is None:
        return ""
    assert f.value is not None
    margin, narrow = float(f.details.get("margin", 0.1)), f.details.get("interval_90", [f.low, f.high])
    edges = f"{0.5 - margin:.2f} to {0.5 + margin:.2f}"
    wide = f"AUC {f.value:.3f}, 95 % interval {wording.interval(f)}; 0.5 is guessing"
    held = (
        f"AUC {f.value:.3f}, 90 % interval {narrow[0]:.3f}–{narrow[1]:.3f}, within the plan's {edges}; 0.5 is guessing"
    )
    way = "better" if f.value > 0.5 else "worse"
    return {
        "cannot be told apart within the margin": "Readers could not tell synthetic from real images apart, within the "
        f"margin fixed before the first reading ({held}).",
        "told apart, by less than the margin": f"Readers did {way} than guessing at telling synthetic from real "
        f"images, but by less than the margin fixed before the first reading ({held}).",
        "told apart": f"Readers told synthetic from real images ({wide})."
        if f.value > 0.5
        else f"Readers saw a difference and took it the wrong way round, synthetic images for real ({wide}).",
    }.get(
        str(f.details.get("told")),
        f"It stays open whether readers can tell synthetic from real images ({wide}): neither a difference nor its "
        f"absence within {edges} is shown.",
    )


def _choice(own: Sequence[Finding]) -> str:
    f = _of(own, "choice_correct")
    if f is None or f.low is None or f.high is None:
        return ""
    assert f.value is not None
    many, chance = int(f.details["alternatives"]), float(f.details["chance"])
    told = f"Asked which of {many} images is real, readers were right in {wording.number(f.value, 'share')} of trials "
    told += f"(95 % interval {wording.interval(f)}); guessing gives {wording.number(chance, 'share')}"
    if f.low > chance:
        return f"{told}, so they see a difference."
    if f.high < chance:
        return f"{told}, so they see a difference and take synthetic images for real."
    return f"{told}, and the interval holds it, which shows neither a difference nor that there is none."


def _diagnosis(own: Sequence[Finding]) -> str:
    f = _of(own, "diagnosis_difference")
    if f is None or f.low is None or f.high is None:
        return ""
    assert f.value is not None
    told = f"The AUC of diagnosing {f.details.get('positive', 'the disease')} was {abs(f.value):.3f} "
    told += f"{'higher' if f.value > 0 else 'lower'} on synthetic than on real images "
    told += f"(95 % interval of the difference {wording.interval(f)})"
    if f.low > 0 or f.high < 0:
        return f"{told}, so readers diagnose the two differently."
    return f"{told}; an interval across 0 shows neither a difference nor that there is none."


def _plausibility(own: Sequence[Finding]) -> str:
    some = [f for f in own if f.name == "plausible_difference" and f.value is not None and f.high is not None]
    if not some:
        return ""
    worse = [f for f in some if f.high is not None and f.high < 0]
    names = ", ".join(f.slice.removeprefix("structure=") for f in worse)
    if not worse:
        return f"Of {len(some)} structures none was shown to be plausible less often in synthetic than in real images."
    return (
        f"Of {len(some)} structures, {len(worse)} {'was' if len(worse) == 1 else 'were'} plausible less often in "
        f"synthetic than in real images: {names}."
    )


def power(own: Sequence[Finding]) -> str:
    """Return what the plan could show before the first reading, or nothing."""
    same, other = _of(own, "power_equivalence"), _of(own, "power_detection")
    if same is None or other is None:
        return ""
    assert same.value is not None
    assert other.value is not None
    about = same.details
    return (
        f"Before the first reading, simulation gave this plan ({people(int(about['readers']))}, {about['real']} real "
        f"and {about['synthetic']} synthetic images) a chance of {wording.number(same.value, 'share')} "
        f"({wording.interval(same)}) to show that readers who guess cannot tell, and of "
        f"{wording.number(other.value, 'share')} ({wording.interval(other)}) to find an AUC of {about['area']:g}."
    )


def cautions(own: Sequence[Finding], plan: Mapping[str, Any]) -> Iterator[str]:
    """Yield what weakens the whole study: a pilot, an accepted leak, thumbnails, missing answers."""
    readers = by_question(own)
    few = {question: count for question, count in readers.items() if count < ENOUGH}
    if few and len(few) == len(readers):
        yield (
            f"This is a pilot: {people(max(few.values()))}. With fewer than {ENOUGH}, how much readers differ cannot "
            "be told, and nothing is shown of other readers."
        )
    elif few:
        named = [f"{QUESTIONS.get(question, question)}: {people(count)}" for question, count in few.items()]
        yield f"A pilot in part, where fewer than {ENOUGH} readers answered enough: {'; '.join(named)}."
    pieces = dict.fromkeys(piece for f in own if f.reason and f.value is not None for piece in f.reason.split("; "))
    kept = [p for p in pieces if p.startswith(("images could", "shown at", "values outside"))]
    yield from (wording.sentence(piece) for piece in kept)
    whole = next((f for f in own if f.name == "auc_readers" and f.value is not None), None)
    lost = next((p for p in whole.reason.split("; ") if "not every reader judged" in p), "") if whole else ""
    if lost:
        yield (
            f"{wording.sentence(lost)} If they were left out because they are hard, the result holds for the others "
            "only; the share of “cannot judge” by arm is below."
        )


def unblinded(notes: Mapping[str, Any], plan: Mapping[str, Any]) -> Iterator[str]:
    """Yield who opened the key, when and what for, and whether answers came later."""
    acts = [mapping(act) for act in notes.get("unblinding", ()) if isinstance(act, dict)]
    if not acts:
        return
    told = [f"{a.get('who', '')}, {_when(str(a.get('at', '')))} ({a.get('why', '')})" for a in acts]
    times = "once" if len(acts) == 1 else f"{len(acts)} times"
    yield f"The key was opened {times}: {'; '.join(told)}."
    final = plan.get("answers")
    if final and any(act.get("answers") != final for act in acts):
        yield (
            "The key was opened when the answers were not those analysed here. Whoever opened it may have known which "
            "image is which while others still read."
        )


def _when(at: str) -> str:
    return at.replace("T", " ")[:16] + " UTC" if at else ""


def _of(own: Sequence[Finding], name: str) -> Finding | None:
    return next((f for f in own if f.name == name and f.slice == "all" and f.value is not None), None)
