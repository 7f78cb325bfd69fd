"""Words for a reader who is a radiologist, not a statistician: what each part asks, and a glossary."""

from __future__ import annotations

ORDER = (
    "integrity",
    "leakage",
    "shortcut",
    "fidelity",
    "two-sample",
    "appearance",
    "radiomics",
    "plausibility",
    "coverage",
    "diversity",
    "memorisation",
    "privacy",
    "features",
)
"""Order of the checks on the page; others follow by name."""

IN_DATA = ("import", "generation")
"""What is told among the data, not as a check."""

TITLES = {
    "integrity": "Integrity",
    "leakage": "Leakage",
    "shortcut": "Shortcuts",
    "fidelity": "Fidelity",
    "coverage": "Coverage",
    "memorisation": "Memorisation",
    "two-sample": "Telling apart",
    "appearance": "Appearance",
    "radiomics": "Radiomics",
    "plausibility": "Anatomy",
    "diversity": "Diversity",
    "privacy": "Privacy",
    "features": "The encoder",
    "trial": "Trial in diagnosis",
    "reading": "Reader study",
}

QUESTIONS = {
    "integrity": "Are the real images what they seem: whole, not doubled, not enlarged, with known patients?",
    "leakage": "Is the same patient or the same radiograph on both sides of a split, or in another image set?",
    "shortcut": "Can the label be told from what has nothing to do with disease: the border, the file, the hospital?",
    "fidelity": "How close do the synthetic images lie to real images of other patients?",
    "coverage": "Do the synthetic images show the variety of real patients, or only a part of it?",
    "memorisation": "Are synthetic images copies of training patients?",
    "two-sample": "Can a classifier tell synthetic from real images of other patients?",
    "appearance": "Do detail, frequencies and grey values of the synthetic images look like those of real ones?",
    "radiomics": "Which radiomic features tell synthetic from real images?",
    "plausibility": "Is the anatomy possible: two lungs, the heart on its side, sizes that real patients have?",
    "diversity": "Do the synthetic images of a class differ from each other as much as real ones?",
    "privacy": "Could somebody tell from the synthetic images who was in the training set?",
    "features": "How much of the label does the encoder see in patients it has not learnt from?",
    "trial": "Does a diagnosis model gain from the synthetic images, in patients it has never seen, and more than from "
    "methods that cost nothing?",
    "reading": "Can radiologists tell synthetic from real images, and do they judge both alike?",
}

STATUS_WORDS = {
    "met": ("✓", "met"),
    "not met": ("✗", "not met"),
    "unclear": ("?", "unclear"),
    "not measured": ("–", "not measured"),
    "not applicable": ("·", "not applicable"),
}
"""Symbol and word of every status: the page never relies on colour."""

GLOSSARY = (
    (
        "95 % interval",
        "The range of values that agree with the data. Patients, not images, are counted as independent.",
    ),
    ("AUC", "Area under the ROC curve: how often a random positive scores above a random negative. 0.5 is chance."),
    (
        "Best control",
        "The best arm without synthetic images: real only, classical augmentation, duplicates or reweighting.",
    ),
    ("Brier score", "Mean squared distance of the probability told from what was the case (0 or 1). 0 is best."),
    ("Calibration slope, intercept", "Whether probabilities mean what they say. Slope 1 and intercept 0 are best."),
    ("Catch trial", "An image broken on purpose: who does not call it synthetic has not looked."),
    ("Claim ladder", "Seven claims, L0 to L6, each resting on those below. Clinical value is claimed only from L4."),
    ("Copy share", "Share of synthetic images that lie nearer to a training image than other patients' images do."),
    (
        "Coverage, density",
        "Share of real images that have a synthetic one in their neighbourhood, and how many (Naeem 2020).",
    ),
    ("Criterion", "What a reader says when in doubt: below 0 rather “synthetic”, above 0 rather “real”."),
    (
        "DeLong",
        "A way to get the interval of an AUC, or of a difference of two, without drawing patients anew (DeLong 1988).",
    ),
    ("d′", "How far apart a reader sees real and synthetic images, in standard deviations. 0 is guessing."),
    (
        "Equivalence",
        "That a difference is smaller than a margin fixed before. Not finding a difference does not show it.",
    ),
    ("Equivalent dose", "The dose of a planted defect that reads the same as the images on trial."),
    (
        "Exchange rate",
        "How many further real patients would have made the diagnosis model as good as the synthetic images did.",
    ),
    (
        "Floor",
        "What a measure reads when real images are compared with real images; no generator can be asked for more.",
    ),
    ("Fréchet distance", "Distance between two clouds of image features, each taken as Gaussian. 0 is identical."),
    (
        "Held-out real patients",
        "Real patients kept aside and added in place of synthetic images: they must help, or the trial is too small.",
    ),
    ("Holm", "Raises p-values where several doses are tried, since each is a further chance to find a gain by luck."),
    (
        "Kappa, AC1, alpha",
        "Agreement of readers beyond chance: 0 is chance, 1 is full agreement (Fleiss; Gwet; Krippendorff).",
    ),
    ("KID", "Kernel inception distance: distance of two clouds of features without assuming a shape. 0 is identical."),
    ("Learning curve", "AUC of a model of real images alone, by the number of real patients that it learned from."),
    ("Limit of detection", "The smallest dose of a planted defect that a check would have seen on these very images."),
    (
        "Net benefit",
        "True positives per patient, less false alarms at the price that acting early implies (Vickers 2006).",
    ),
    ("Not measured", "Nobody looked, or the check could not run. It never counts as passed."),
    ("Pilot", "A reader study of fewer than six readers: it says nothing of other readers."),
    ("Planted defect", "A known fault put into images on purpose, in growing doses, to see whether a check notices."),
    ("Precision, recall", "Share of synthetic images that lie among real ones, and of real ones among synthetic ones."),
    (
        "Recalibrated",
        "Probabilities fitted once more on real validation images, since others change how common the disease seems.",
    ),
    ("Sealed test images", "Real patients set aside before anything was trained; every opening is written down."),
    ("Shortcut", "Something other than disease that gives the label away, such as a border or a hospital's marker."),
    (
        "Shuffled labels",
        "Synthetic images whose labels are dealt anew: they must not help, or the gain is not due to what they show.",
    ),
)
"""Term and meaning, in alphabetical order."""
