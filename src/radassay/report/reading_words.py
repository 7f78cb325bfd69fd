"""Names of a reader study's findings, questions and slices as a reader of the report should see them."""

from __future__ import annotations

from radassay.evidence import wording
from radassay.evidence.finding import Finding

READING = "reading"

QUESTIONS = {
    "realness": "real or synthetic",
    "choice": "which one is real",
    "diagnosis": "diagnosis",
    "plausibility": "plausible structures",
}

LABELS = {
    "n_readers": "Readers who answered every question",
    "auc_readers": "AUC of telling synthetic from real, over readers",
    "auc_label": "AUC of telling synthetic from real, over readers",
    "auc_reader": "AUC of telling synthetic from real",
    "margin": "Margin of the plan",
    "equivalence_p": "p-value of equivalence to guessing",
    "d_prime": "d′ over readers",
    "d_prime_reader": "d′",
    "criterion": "Criterion over readers",
    "criterion_reader": "Criterion",
    "fleiss_kappa": "Fleiss' kappa",
    "gwet_ac1": "Gwet's AC1",
    "krippendorff_alpha": "Krippendorff's alpha",
    "intra_reader_kappa": "Weighted kappa of hidden repeats",
    "catch_share": "Catch trials called synthetic",
    "learning_difference": "Change in right answers, first case to last",
    "n_all_right": "Cases that every reader got right",
    "n_all_right_by_chance": "Cases that every reader would get right by chance",
    "n_all_wrong": "Cases that every reader got wrong",
    "n_all_wrong_by_chance": "Cases that every reader would get wrong by chance",
    "cannot_judge": "Answers “cannot judge”",
    "reading_time": "Seconds on a case",
    "reading_time_ratio": "Time on synthetic over time on real cases",
    "choice_correct": "Right choices, over readers",
    "choice_reader": "Right choices",
    "choice_d_prime": "d′ of the choices",
    "choice_auc": "AUC that the choices stand for",
    "auc_diagnosis": "AUC of the diagnosis, over readers",
    "auc_diagnosis_reader": "AUC of the diagnosis",
    "diagnosis_difference": "AUC of the diagnosis, synthetic less real",
    "plausible_share": "Readings that call the structure plausible",
    "plausible_difference": "Plausible readings, synthetic less real",
    "n_clicks": "Places clicked as faulty",
    "power_equivalence": "Power to show that readers cannot tell",
    "power_detection": "Power to find the AUC that must not be missed",
    "power_half_width": "Expected half-width of the interval of the AUC",
    "leak_border": "AUC of a model from the border (leak test)",
    "leak_size": "AUC of a model from traces of another size (leak test)",
    "leak_compression": "AUC of a model from compression (leak test)",
    "leak_histogram": "AUC of a model from grey values (leak test)",
    "shown_side": "Side of the images shown",
    "n_slices": "Slices of a stack",
}


def label(finding: Finding) -> str:
    """Return a finding's name in words."""
    return LABELS.get(finding.name) or wording.label(finding.name)


def parts(finding: Finding) -> dict[str, str]:
    """Return what a finding is about, such as `{"reader": "R01", "arm": "real"}`; empty for all."""
    if finding.slice == "all":
        return {}
    split: dict[str, str] = {}
    last = ""
    for piece in finding.slice.split(", "):
        key, equals, value = piece.partition("=")
        if equals:
            last, split[key] = key, value
        elif last:  # a structure's own name may hold a comma
            split[last] += f", {piece}"
    return split


def part(finding: Finding) -> str:
    """Return what a finding is about in words; empty for all."""
    every = (_worded(key, value) for key, value in parts(finding).items())
    return ", ".join(word for word in every if word)


def _worded(key: str, value: str) -> str:
    if key == "question":
        return QUESTIONS.get(value, value)
    if key == "arm":
        return "" if value == "both" else f"{value} images"
    return value if key in ("label", "structure") else f"{key} {value}"


def numbers(finding: Finding, unit: str = "") -> str:
    """Return value and interval such as `0.719 (0.679–0.759)`, or that nothing was measured."""
    if finding.value is None:
        return "not measured"
    how = wording.kind(finding)
    text, span = wording.number(finding.value, how), wording.interval(finding)
    text = f"{text} {unit}".strip()
    return f"{text} ({span})" if span else text


def people(readers: int) -> str:
    """Return a number of readers in words."""
    return "1 reader" if readers == 1 else f"{readers} readers"


def basis(finding: Finding, readers: int) -> str:
    """Return what a number rests on, such as `8 readers, 163 cases of 160 patients`."""
    told = people(readers)
    if finding.n_images is not None:
        told += f", {finding.n_images:,} case{'' if finding.n_images == 1 else 's'}"
    if finding.n_patients is not None:
        told += f" of {finding.n_patients:,} patients"
    return told
