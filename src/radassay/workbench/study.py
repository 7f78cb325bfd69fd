"""A study: what will be done, fixed in one TOML file before any image is read.

Settings are pydantic dataclasses: an unknown key, a wrong type or an impossible value is refused by name.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from radassay.errors import SettingsError

STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, config=STRICT)
class Material:
    """Images from one place, acquired or generated."""

    source: str = ""
    """A folder with one folder a class, a folder with a `metadata.csv`, a CSV or Parquet table, or an image set."""
    images: str = ""
    """Folder that the file names of the table are relative to; found by itself where it lies beside the table."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Which column of the table is what, such as `{label = "finding"}`; known tables are recognised."""
    simulated: dict[str, Any] = Field(default_factory=dict)
    """Settings of a simulated cohort instead of a source, such as `{patients = 200}`."""
    where: dict[str, list[str]] = Field(default_factory=dict)
    """Keep only images with these values, such as `{modality = ["X-ray"]}`."""
    positive: list[str] = Field(default_factory=list)
    """Labels (as the source writes them) that count as positive; everything else is negative."""
    split_lists: dict[str, list[str]] = Field(default_factory=dict)
    """Text files with one file name a line that say which images a published split has, such as
    `{train = ["train.txt"], test = ["test.txt"]}`, relative to the source; the split that is not named takes the rest.
    Needs `published = true` in [split]."""
    name: str = ""
    """Name in the report; the source's folder name by default."""
    patient_key: str = ""
    """Secret for the pseudonyms of patients; without one they are consistent, not anonymous."""


@dataclass(frozen=True, config=STRICT)
class Synthetic:
    """The images on trial: made here by a generator, or made elsewhere and imported."""

    generator: str = ""
    """Name of a generator (`radassay list`), trained on the training patients alone."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """The generator's settings, such as `{images_seen = 60000}`."""
    images: int = Field(default=0, ge=0)
    """How many images to make, in the class mix of the training images; 0 makes as many as there are training images,
    or as the trial's largest dose asks for. Checks look at as many as there are training images."""
    aside: float = Field(default=0.1, ge=0, lt=0.5)
    """Share of the training patients that the generator does not learn from, by whose images its best snapshot is
    kept; 0 keeps the last one."""
    source: str = ""
    """Images made elsewhere: a folder or table like that of real images."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Column mapping of that table."""
    simulated: dict[str, Any] = Field(default_factory=dict)
    """Fresh simulated patients in place of synthetic images: what a perfect generator would give."""
    positive: list[str] = Field(default_factory=list)
    """Labels that count as positive there; those of the real images by default."""


@dataclass(frozen=True, config=STRICT)
class Split:
    """How patients are parted into training, validation and sealed test images."""

    fractions: tuple[float, float, float] = (0.6, 0.2, 0.2)
    """Shares of patients for training, validation and test."""
    published: bool = False
    """Take the `split` column of the source as it is."""


@dataclass(frozen=True, config=STRICT)
class Checks:
    """Which checks run, and on which features."""

    run: bool = True
    """Run them; without them nothing above L0 can be claimed."""
    names: list[str] = Field(default_factory=list)
    """Names of checks (`radassay list`); all when empty."""
    encoder: str = "self-supervised"
    """Encoder of the features."""
    encoder_settings: dict[str, Any] = Field(default_factory=dict)
    """The encoder's settings, such as `{images_seen = 64000}`."""
    second: str = "radiomics"
    """A second encoder, of another kind: a verdict that turns round with the encoder is called unclear; empty for
    none."""
    second_settings: dict[str, Any] = Field(default_factory=dict)
    """Settings of the second encoder."""
    blanks: int = Field(default=20, ge=5)
    """Real-against-real repeats for the floor of every measure."""
    repeats: int = Field(default=5, ge=3)
    """Repeats of every planted defect and dose."""
    control_images: int = Field(default=200, ge=20)
    """Images on each side of a control, at most; limits of detection are those of so many images."""
    controls: bool = True
    """Plant defects; without them no limit of detection is known and nothing above L1 can be claimed."""


@dataclass(frozen=True, config=STRICT)
class Trial:
    """The downstream trial; fields are told in `radassay.trials.plan`."""

    run: bool = True
    """Do it."""
    classifier: str = "small-cnn"
    """Name of a classifier."""
    classifier_settings: dict[str, Any] = Field(default_factory=dict)
    """The classifier's settings, such as `{rate = 0.001}`."""
    arms: list[str] = Field(default_factory=list)
    """Kinds of arms, such as `real+duplicates`; all when empty."""
    doses: list[float] = Field(default_factory=lambda: [0.25, 0.5, 1.0, 2.0, 4.0])
    """Synthetic images per real training image, an arm each; those that there are too few images for are left out."""
    dose: float = Field(default=1.0, gt=0)
    """The dose that the verdict is about, fixed before."""
    curve: list[float] = Field(default_factory=lambda: [0.35, 0.6])
    """Shares of the training patients at which the learning curve of real patients is measured; empty for none."""
    reserve: float = Field(default=0.2, ge=0, lt=0.7)
    """Share of the training patients that generator and trial do not learn from but in the control that must help, and
    in the learning curve beyond all others. 0 for neither."""
    external: list[Material] = Field(default_factory=list)
    """Images of other hospitals, on which finished models are tested, one `[[trial.external]]` a set."""
    seeds: int = Field(default=5, ge=2)
    """Trainings an arm; 10 or more where the exchange rate matters."""
    steps: int = Field(default=300, ge=1)
    """Optimisation steps, the same for every arm."""
    endpoint: Literal["auc", "auprc", "brier", "sensitivity", "net_benefit"] = "auc"
    """What the gain is measured in; all of them are told of the main arms."""
    specificity: float = Field(default=0.9, gt=0, lt=1)
    """Specificity on validation images at which the sensitivity is told."""
    act_at: float = Field(default=0.2, gt=0, lt=1)
    """Probability from which one would act, for the net benefit."""
    margin: float = Field(default=0.02, ge=0)
    """Smallest gain worth having."""
    harm: float = Field(default=0.02, ge=0)
    """Largest loss that counts as no harm."""
    subgroups: list[str] = Field(default_factory=lambda: ["sex", "age", "view", "site"])
    """Columns whose values part the test patients."""
    duplicates: Literal["refuse", "leave out"] = "refuse"
    """What to do where a test image shows a radiograph that the trial learns from: refuse the trial, or leave the test
    image out and name it."""


@dataclass(frozen=True, config=STRICT)
class Study:
    """Everything that decides a run's findings."""

    name: str
    """Short name, used for the folder."""
    real: Material
    """The acquired images."""
    synthetic: Synthetic = Field(default_factory=Synthetic)
    """The images on trial."""
    question: str = ""
    """What the study asks, in a sentence; printed on the report."""
    others: list[Material] = Field(default_factory=list)
    """Further sets that must share no radiograph with this one."""
    size: Literal[32, 64, 128] = 64
    """Side in pixels at which images are made and compared."""
    fit: Literal["squash", "pad", "crop"] = "squash"
    """How pictures become square."""
    seed: int = 1
    """Seed of everything random."""
    split: Split = Field(default_factory=Split)
    """Patients into training, validation and test."""
    checks: Checks = Field(default_factory=Checks)
    """The checks and their controls."""
    trial: Trial = Field(default_factory=Trial)
    """The downstream trial."""
    rules: str = "local"
    """Rule file: `local`, or the path of a TOML file."""

    def plan(self) -> dict[str, Any]:
        """Return the study as JSON values, with paths as they were given."""
        plan: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        for material in (plan["real"], *plan["others"], *plan["trial"]["external"]):
            material["patient_key"] = "given" if material["patient_key"] else ""
        return plan


def read_study(path: Path) -> Study:
    """Return the study of a TOML file; its relative paths are relative to the file.

    Raises:
        SettingsError: no such file, no TOML, or a setting that is wrong; each is named.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"Cannot read the study file {path}",
            got=error.strerror,
            possible="`radassay demo --show-study` prints one to start from",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is no TOML file", got=str(error)) from None
    return at(study_of(content, str(path)), path.parent)


def study_of(content: dict[str, Any], where: str = "the study") -> Study:
    """Return the study of parsed settings.

    Raises:
        SettingsError: a setting is unknown, has the wrong type, or contradicts another.
    """
    try:
        study: Study = TypeAdapter(Study).validate_python(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = [str(part) for part in first["loc"]]
        raise SettingsError(
            f"{where}: {'.'.join(place)}: {first['msg']}",
            got=first.get("input"),
            possible="Settings there: " + ", ".join(_settings_at(place[:-1])),
        ) from None
    given = [bool(study.real.source), bool(study.real.simulated)]
    if sum(given) != 1:
        raise SettingsError(
            f"{where}: [real] needs a `source` or `simulated` settings", got="both" if all(given) else "neither"
        )
    made = [bool(study.synthetic.generator), bool(study.synthetic.source), bool(study.synthetic.simulated)]
    if sum(made) > 1:
        raise SettingsError(f"{where}: [synthetic] takes one of generator, source and simulated", got="several")
    if study.checks.second == study.checks.encoder and study.checks.second_settings == study.checks.encoder_settings:
        raise SettingsError(
            f"{where}: [checks] names the same encoder twice",
            got=study.checks.second,
            possible='Another encoder (`radassay list encoders`), or second = "" for one encoder alone',
        )
    if not study.real.positive:
        raise SettingsError(
            f"{where}: [real] needs `positive`, the labels that the task calls positive",
            possible='For example positive = ["COVID-19"]',
        )
    return study


def _settings_at(place: list[str]) -> list[str]:
    """Return the settings possible at a place such as `real` or `others.0`."""
    kinds: dict[str, type[Any]] = {
        "real": Material,
        "others": Material,
        "external": Material,
        "synthetic": Synthetic,
        "split": Split,
        "checks": Checks,
        "trial": Trial,
    }
    named = [part for part in place if part in kinds]
    return [f.name for f in fields(kinds[named[-1]] if named else Study)]


def at(study: Study, folder: Path) -> Study:
    """Return the study with its relative paths seen from `folder`."""

    def seen(path: str) -> str:
        return str(folder / path) if path and not Path(path).is_absolute() else path

    def material(m: Material) -> Material:
        return replace(m, source=seen(m.source), images=seen(m.images))

    def settings(given: dict[str, Any]) -> dict[str, Any]:
        path = str(given.get("weights", ""))
        return {**given, "weights": seen(path)} if path and not path.startswith("~") else given

    rules = study.rules if study.rules == "local" else seen(study.rules)
    checks = replace(
        study.checks,
        encoder_settings=settings(study.checks.encoder_settings),
        second_settings=settings(study.checks.second_settings),
    )
    return replace(
        study,
        checks=checks,
        real=material(study.real),
        others=[material(m) for m in study.others],
        trial=replace(study.trial, external=[material(m) for m in study.trial.external]),
        rules=rules,
        synthetic=replace(study.synthetic, source=seen(study.synthetic.source)),
    )
