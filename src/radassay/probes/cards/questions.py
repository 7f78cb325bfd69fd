"""The questions of a data set card: our own short form of what PROBAST asks of participants and outcomes.

Wolff et al., Ann Intern Med 2019;170:51 ask whether the source of the data, the choice of participants and the way the
outcome was determined are suitable; here each is put as what must be known of a set of images to answer that. An
answer is `yes`, `partly`, `no` or `unknown`, with the evidence in words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from radassay.images.imageset import ImageSet
from radassay.probes.cards.told import Told

DOMAINS = ("Origin", "Patients", "Labels", "Images", "Splits and overlaps", "Rights")
NEARLY_ALL = 0.95
"""Share of images of which something must be known for `yes`."""
ENOUGH, FEW = 100, 10
"""Patients of the smallest class: enough to test on (Collins et al., Stat Med 2016;35:214), and too few."""
CHILDREN = 0.1
"""Difference in the share of children between classes that still counts as alike."""
SIMULATED = "every image is simulated; it is known by construction"


class Reply(NamedTuple):
    """An answer with its evidence."""

    answer: str
    evidence: str


class Known(NamedTuple):
    """All that is known of one set."""

    images: ImageSet
    told: Told
    others: Mapping[str, frozenset[str]]
    """Ids of the images of each other set of the audit, by its name."""

    @property
    def table(self) -> pd.DataFrame:
        """Return the rows of the set."""
        return self.images.table

    @property
    def simulated(self) -> bool:
        """Whether all images come from a simulation, of which everything is known."""
        return "simulated" in self.table and bool((self.table["simulated"] == "yes").all())


class Question(NamedTuple):
    """One question of the card."""

    id: str
    domain: str
    text: str
    reply: Callable[[Known], Reply]


def said(known: Known, key: str, *roles: str) -> Reply:
    """Return what a person wrote under this key, else what columns of the table hold, else unknown."""
    if known.simulated and key not in ("licence", "citation"):
        return Reply("yes", SIMULATED)
    if key in known.told.card:
        text = known.told.card[key]
        first = text.split(maxsplit=1)[0].lower().strip(".,:;-") if text else ""
        return Reply(first if first in ("yes", "partly", "no") else "yes", f"card.toml: {text}")
    columns = [known.told.columns[role] for role in roles if role in known.told.columns]
    if columns:
        return Reply("partly", "; ".join(columns) + " (counted, not read)")
    return Reply("unknown", "nothing says so")


def counted(known: Known, what: str, here: np.ndarray, key: str = "", more: str = "") -> Reply:
    """Return of how many images something is known; a person's word alone makes `partly` of `unknown`."""
    n, total = int(here.sum()), len(here)
    evidence = (
        f"{what} {'known for' if n else 'unknown for'} {n if n else total:,} of {total:,} images{more if n else ''}"
    )
    answer = "yes" if n >= NEARLY_ALL * total else "partly" if n else "unknown"
    if key and key in known.told.card:
        evidence += f"; card.toml: {known.told.card[key]}"
        answer = "partly" if answer == "unknown" else answer
    return Reply(answer, evidence)


def _origin(known: Known) -> Reply:
    sites = known.table["site"]
    reply = said(known, "origin", "reference")
    if not (sites != "").any():
        return reply
    kinds = sites[sites != ""].nunique()
    more = f", {kinds:,} places" + (f"; {reply.evidence}" if reply.answer != "unknown" else "")
    return counted(known, "place", (sites != "").to_numpy(), more=more)


def _one_origin(known: Known) -> Reply:
    rows = known.table[(known.table["site"] != "") & (known.table["label"] != "")]
    if not len(rows) or rows["label"].nunique() < 2:
        return said(known, "one_origin")
    classes = rows.groupby("site")["label"].nunique()
    shared = int(rows["site"].map(classes).gt(1).sum())
    share = shared / len(rows)
    answer = "yes" if share >= NEARLY_ALL else "partly" if share >= 0.5 else "no"
    told = f"{shared:,} of {len(rows):,} images come from places that also gave images of another class"
    return Reply(answer, told)


def _patients(known: Known) -> Reply:
    codes = known.table["patient"]
    named = codes[codes != ""].nunique()
    return counted(known, "patient", (codes != "").to_numpy(), "patients", f", {named:,} patients")


def _visits(known: Known) -> Reply:
    rows = known.table[known.table["patient"] != ""]
    if not len(rows):
        return said(known, "visits")
    several = int((rows["patient"].value_counts() > 1).sum())
    if not several:
        return Reply("yes", f"one image of each of {len(rows):,} patients")
    named = (rows["study"] != "").to_numpy()
    reply = counted(known, "visit", named, "visits")
    return Reply(reply.answer, f"{several:,} patients have several images; {reply.evidence}")


def _children(known: Known) -> Reply:
    rows = known.table[known.table["age_years"].notna() & (known.table["label"] != "")]
    rows = rows[rows.groupby("label")["label"].transform("size") >= FEW]
    if rows["label"].nunique() < 2:
        return Reply(
            "unknown", f"age known for {known.table['age_years'].notna().sum():,} of {len(known.table):,} images"
        )
    shares = rows["age_years"].lt(18).groupby(rows["label"]).mean()
    low, high = float(shares.min()), float(shares.max())
    told = f"{100 * low:.0f} to {100 * high:.0f} % of a class are under 18, of {len(rows):,} images of known age"
    return Reply("yes" if high - low <= CHILDREN else "no", told)


def _enough(known: Known) -> Reply:
    rows = known.table[known.table["label"] != ""]
    if rows["label"].nunique() < 2:
        return Reply("unknown", "fewer than two classes")
    named = (rows["patient"] != "").mean() >= NEARLY_ALL
    sizes = rows.groupby("label")["patient"].nunique() if named else rows["label"].value_counts()
    least, label = int(sizes.min()), str(sizes.idxmin())
    size = f"{least:,} patient{'s' * (least != 1)}" if named else f"{least:,} images of unknown patients"
    told = f"the smallest class, {label}, has {size}"
    if not named and least >= FEW:
        return Reply("unknown" if least >= ENOUGH else "partly", told)
    return Reply("yes" if least >= ENOUGH else "partly" if least >= FEW else "no", told)


def _labels(known: Known) -> Reply:
    labels = known.table["label"]
    return counted(known, "label", (labels != "").to_numpy(), more=f", {labels[labels != ''].nunique():,} classes")


def _column(name: str, what: str) -> Callable[[Known], Reply]:
    def reply(known: Known) -> Reply:
        values = known.table[name]
        kinds = ", ".join(str(kind) for kind in values[values != ""].value_counts().index[:6])
        return counted(known, what, (values != "").to_numpy(), more=f" ({kinds})")

    return reply


def _age(known: Known) -> Reply:
    years = known.table["age_years"].dropna()
    more = f", {years.min():.0f} to {years.max():.0f} years" if len(years) else ""
    return counted(known, "age", known.table["age_years"].notna().to_numpy(), more=more)


def _native(known: Known) -> Reply:
    table = known.table
    deep = ((table["bits"] > 8) | (table["unit"] == "HU")).to_numpy()
    if known.simulated:
        return Reply("yes", SIMULATED)
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in table["format"].value_counts().items())
    told = f"{deep.sum():,} of {len(deep):,} images have more than 8 bits or a physical unit ({kinds})"
    card = known.told.card.get("processing")
    told += f"; card.toml: {card}" if card else ""
    return Reply("yes" if deep.mean() >= NEARLY_ALL else "partly" if deep.any() or card else "no", told)


def _splits(known: Known) -> Reply:
    parts = known.table["split"]
    files = [name for name in known.told.files if name.lower().startswith(("train", "val", "test"))]
    if (parts != "").any():
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in parts[parts != ""].value_counts().items())
        return counted(known, "split", (parts != "").to_numpy(), "splits", f" ({kinds})")
    if "splits" in known.told.card:
        return said(known, "splits")
    if files:
        return Reply("partly", f"files that look like one are there: {', '.join(files)} (seen, not read)")
    return Reply("no", f"no image of {len(parts):,} has a split")


def _once(known: Known) -> Reply:
    again = int(known.table["image"].duplicated().sum())
    told = f"{again:,} of {len(known.table):,} images have the very pixels of another one of this set"
    return Reply("no" if again else "yes", f"{told}; altered copies are looked for apart")


def _apart(known: Known) -> Reply:
    mine = set(known.table["image"])
    shared = {name: len(mine & ids) for name, ids in known.others.items()}
    found = ", ".join(f"{count:,} with {name}" for name, count in shared.items() if count)
    if found:
        return Reply("no", f"pixels shared with other sets: {found}")
    if "overlaps" in known.told.card:
        return said(known, "overlaps")
    if shared:
        return Reply(
            "partly", f"no image has the very pixels of one in {', '.join(shared)}; altered copies are another matter"
        )
    return Reply("unknown", "no other set was looked at")


def _licence(known: Known) -> Reply:
    reply = said(known, "licence", "licence")
    files = [name for name in known.told.files if not name.lower().startswith(("train", "val", "test"))]
    if reply.answer == "unknown" and files:
        return Reply("partly", f"files that may say so are there: {', '.join(files)} (seen, not read)")
    return reply


def _ask(key: str, *roles: str) -> Callable[[Known], Reply]:
    return lambda known: said(known, key, *roles)


QUESTIONS = (
    Question("origin", "Origin", "Is it known where the images come from?", _origin),
    Question("one_origin", "Origin", "Do all classes come from the same places?", _one_origin),
    Question("inclusion", "Origin", "Is it known which patients were taken in?", _ask("inclusion")),
    Question("exclusion", "Origin", "Is it known which were left out?", _ask("exclusion")),
    Question("period", "Origin", "Is it known when the images were made?", _ask("period", "date")),
    Question("patients", "Patients", "Is it known which images are of one patient?", _patients),
    Question("visits", "Patients", "Are several images of one patient told apart?", _visits),
    Question("age", "Patients", "Is the age known?", _age),
    Question("sex", "Patients", "Is the sex known?", _column("sex", "sex")),
    Question("children", "Patients", "Are there as many children in every class?", _children),
    Question("enough", "Patients", f"Are there at least {ENOUGH} patients in every class?", _enough),
    Question("labels", "Labels", "Does every image have a label?", _labels),
    Question("labelled_by", "Labels", "Is it known who gave the labels?", _ask("labelled_by")),
    Question("labelled_how", "Labels", "Is it known by what the labels were given?", _ask("labelled_how", "test")),
    Question(
        "labels_independent",
        "Labels",
        "Were the labels given without looking at the image?",
        _ask("labels_independent"),
    ),
    Question("labels_alike", "Labels", "Were all classes labelled in the same way?", _ask("labels_alike")),
    Question("view", "Images", "Is the view known?", _column("view", "view")),
    Question("modality", "Images", "Is the modality known?", _column("modality", "modality")),
    Question("devices", "Images", "Are the machines known?", _ask("devices", "device")),
    Question("native", "Images", "Are the pixel values as the machine gave them?", _native),
    Question("splits", "Splits and overlaps", "Is there a fixed split into training and test?", _splits),
    Question("once", "Splits and overlaps", "Is every image there once?", _once),
    Question("apart", "Splits and overlaps", "Is it free of images of other sets?", _apart),
    Question("licence", "Rights", "Is the licence known?", _licence),
    Question("consent", "Rights", "Is consent or an ethics decision known?", _ask("consent")),
    Question("citation", "Rights", "Is it known how to cite the set?", _ask("citation", "reference")),
)
