"""The form of the coordinator's page: the fields of a plan in groups, with the help that the plan's own fields give."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
from dataclasses import dataclass
from typing import Any, get_args, get_type_hints

from radassay.reading.draw import WITH_TRAINING
from radassay.reading.plan import ENOUGH_READERS, QUESTIONS, ReadingPlan

REMEDY = "same_pipeline"
"""The one setting that is not of the plan: it changes the plan until nothing but the anatomy tells the arms apart."""
LETTERS = {"realness": "A", "choice": "B", "diagnosis": "C", "plausibility": "D"}


@dataclass(frozen=True)
class Asked:
    """One field as the page shows it."""

    name: str
    label: str
    kind: str
    """`line`, `text`, `number`, `flag`, `one`, `list` (comma-separated) or `questions`, `classes`, `class`."""
    questions: tuple[str, ...] = ()
    """Shown only if one of these is asked."""
    help: str = ""
    """In place of what the plan says."""


GROUPS: dict[str, tuple[Asked, ...]] = {
    "Questions": (
        Asked("questions", "What readers are asked", "questions", help="Each is asked about cases of its own."),
        Asked("positive", "Class of the diagnosis", "class", ("diagnosis",)),
        Asked("alternatives", "Images of a choice", "one", ("choice",)),
        Asked("structures", "Structures to judge", "list", ("plausibility",), "Up to nine, with commas between them."),
    ),
    "Readers and cases": (
        Asked("readers", "Readers", "number"),
        Asked("cases", "Cases of every class", "number"),
        Asked("labels", "Classes", "classes"),
        Asked("split", "Which real images", "one"),
        Asked("modality", "Modality", "line"),
        Asked("repeats", "Hidden repeats", "number"),
        Asked("catch", "Broken images", "number", ("realness",)),
        Asked("training", "Training images", "number", WITH_TRAINING),
    ),
    "What will count": (
        Asked("margin", "Largest difference that does not matter", "number"),
        Asked("area", "Difference that must not be missed", "number"),
    ),
    "What readers see": (
        Asked("title", "Title", "line", help="Shown at the top of every page. It may not say what is synthetic."),
        Asked("consent", "Consent text", "text", help="What readers agree to; an empty line begins a new paragraph."),
        Asked("right_on_left", "Patient's right is at the left edge", "flag"),
    ),
    "If the arms can be told apart by how they were stored": (
        Asked(
            REMEDY,
            "Change both arms alike",
            "flag",
            help="Where a leak is found, trim, smooth or equalise both arms alike, and test again.",
        ),
        Asked("override", "Reason to accept a leak", "line"),
        Asked("leak_limit", "Limit of the leak test", "number"),
    ),
    "How images are prepared": (
        Asked("size", "Side in pixels", "number"),
        Asked("fit", "Made square by", "one"),
        Asked("levels", "Grey levels", "number"),
        Asked("trim", "Trimmed at every edge", "number"),
        Asked("smooth", "Smoothed by", "number"),
        Asked("equalise", "Equalise grey values", "flag"),
        Asked("slices", "Slices of a stack", "number"),
        Asked("slice_mm", "Distance of slices in mm", "number"),
        Asked("hu", "Hounsfield units", "list"),
        Asked("runs", "Simulated studies", "number"),
    ),
}
"""All settings of a plan but the seed, which is drawn and not shown: with it, cases could be drawn a second time."""
FOLDED = ("If the arms can be told apart by how they were stored", "How images are prepared")
"""Groups that are closed at first."""


def form() -> list[dict[str, Any]]:
    """Return the groups of the form as plain values."""
    defaults, docs, hints = defaults_of(), docs_of(), get_type_hints(ReadingPlan)
    groups: list[dict[str, Any]] = []
    for title, asked in GROUPS.items():
        fields = []
        for one in asked:
            options = [2, 4] if one.name == "alternatives" else list(get_args(hints.get(one.name)))
            fields.append(
                {
                    "name": one.name,
                    "label": one.label,
                    "kind": one.kind,
                    "questions": one.questions,
                    "help": one.help or first_sentence(docs.get(one.name, "")),
                    "default": defaults[one.name],
                    "options": options if one.kind == "one" else [],
                }
            )
        groups.append({"title": title, "folded": title in FOLDED, "fields": fields})
    return groups


def questions() -> list[dict[str, str]]:
    """Return the questions that may be asked, A to D."""
    return [{"name": name, "label": f"{letter}. {QUESTIONS[name]}"} for name, letter in LETTERS.items()]


def defaults_of() -> dict[str, Any]:
    """Return what holds unless somebody says otherwise."""
    return {**dataclasses.asdict(ReadingPlan()), REMEDY: False}


def docs_of() -> dict[str, str]:
    """Return what stands below each field of the plan."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(ReadingPlan))).body[0]
    assert isinstance(tree, ast.ClassDef)
    found = {}
    for field, below in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            assert isinstance(field.target, ast.Name)
            found[field.target.id] = inspect.cleandoc(str(below.value.value))
    return found


def first_sentence(doc: str) -> str:
    """Return the first sentence of a doc, in one line and without marks of code."""
    line = " ".join(doc.replace("`", "").split())
    return line.split(". ")[0].rstrip(".") + "." if line else ""


def about() -> dict[str, Any]:
    """Return the form, the questions and the number of readers below which a study is a pilot."""
    return {"groups": form(), "questions": questions(), "enough_readers": ENOUGH_READERS}
