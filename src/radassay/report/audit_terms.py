"""Words of the audit's page for a reader who is a radiologist, not a statistician."""

from __future__ import annotations

ORDER = (
    "same-radiograph",
    "oddities",
    "source",
    "regions",
    "acquisition",
    "confounding",
    "rescaling",
    "card",
)
"""Order of the probes on the page; others follow by name."""

TITLES = {
    "same-radiograph": "The same radiograph twice",
    "oddities": "Not what it says",
    "source": "Where an image comes from",
    "regions": "Outside the lungs",
    "acquisition": "How an image was made",
    "confounding": "What else goes with the label",
    "rescaling": "What rescaling destroys",
    "card": "What is known of the set",
}

QUESTIONS = {
    "same-radiograph": "Is the same radiograph there more than once, whatever was done to the file in between?",
    "oddities": "Which images are not what the set claims to hold?",
    "source": "Can the hospital or set be told from the image, and with it the label?",
    "regions": "Can the label be told from what lies outside the lungs?",
    "acquisition": "Can the label still be told when no anatomy is left in the image?",
    "confounding": "Do source, view, sex, age or file type go together with the label?",
    "rescaling": "What do lesions lose when images are made smaller, and which size still keeps them?",
    "card": "What would a reviewer ask of this set, and what can nobody answer?",
}

OUTCOME_WORDS = {
    "fails": ("✗", "fails"),
    "inconclusive": ("?", "inconclusive"),
    "not run": ("–", "not run"),
    "passes": ("✓", "passes"),
}
"""Symbol and word of every outcome: the page never relies on colour."""

STYLES = {"fails": "not-met", "inconclusive": "unclear", "not run": "not-measured", "passes": "met"}

MEANINGS = (
    ("fails", "The whole interval lies beyond a bound that was written down before any image was read."),
    ("passes", "The whole interval lies inside that bound, and a fault of that size would have been seen."),
    (
        "inconclusive",
        "The interval reaches across the bound: these images cannot settle it. Never counts as passed.",
    ),
    ("not run", "It could not be measured, for the reason given. It never counts as passed."),
)

LISTS = {
    "same-radiograph": (
        "same_radiograph",
        "Pairs that show the same radiograph, surest first",
        ("image_a", "image_b", "score", "relation", "same_patient"),
    ),
    "oddities": (
        "odd_images",
        "Images named, oddest first",
        ("path", "oddity", "score", "reason"),
    ),
    "confounding": (
        "confounding",
        "Every label against every attribute",
        ("slice", "attribute", "v", "low", "high", "known"),
    ),
}
"""By probe: the table whose rows are listed, its caption, and the columns shown where they are there."""

GLOSSARY = (
    (
        "95 % interval",
        "The range of values that agree with the data. Patients, not images, are counted as independent.",
    ),
    ("AUC", "Area under the ROC curve: how often a random positive scores above a random negative. 0.5 is chance."),
    ("Bound", "What a rule allows; fixed in the rule file before the images are read."),
    ("Confounder", "Something that goes together with the label without being the disease, such as age or hospital."),
    (
        "Cramér's V",
        "How strongly two labels of the same images go together, from 0 (not at all) to 1 (one gives the other away).",
    ),
    (
        "Limit of detection",
        "The smallest true effect that would surely have been found on these very images; smaller ones may be missed.",
    ),
    ("Outline", "Where a radiologist drew the lungs or a lesion."),
    ("Shortcut", "Something other than disease that gives the label away, such as a border or a hospital's marker."),
    ("Source", "The set or hospital that an image comes from."),
)
"""Term and meaning, in alphabetical order."""
