"""`radassay reading`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from radassay.cli.reading_export import Export, with_sheets
from radassay.errors import SettingsError
from radassay.reading.plan import ReadingPlan

if TYPE_CHECKING:
    from radassay.evidence.finding import Finding
    from radassay.images.imageset import ImageSet

DATABASE = "reads.db"
ROUNDS = 3
"""Times that `--same-pipeline` adds steps and tests again."""


@dataclass(frozen=True)
class Plan:
    """Draw cases, test the served pixels for leaks, tell the power, and write the study; nothing is asked yet.

    Writes STUDY/served (all that the server may open), STUDY/key (which image is which; keep it from readers and
    coordinators) and STUDY/plan.json. The plan is refused where real and synthetic images can be told apart by their
    border, size, compression or grey values.

    Example: radassay reading plan runs/study --out studies/blind --readers 6 --cases 75
    """

    real: Annotated[Path, tyro.conf.Positional]
    """Folder of a finished run, whose held-out patients and synthetic images are taken, or an image set of real images
    with splits (`radassay import` keeps those a source has; else give `--split any`)."""
    out: Path
    """Folder of the study; new or empty."""
    synthetic: Annotated[Path | None, tyro.conf.Positional] = None
    """Image set of synthetic images with the same labels; not needed with a run."""
    same_pipeline: bool = False
    """Where a leak is found, trim, smooth or equalise both arms alike, and test again."""
    plan: Annotated[ReadingPlan, tyro.conf.OmitArgPrefixes, tyro.conf.arg(name="")] = field(default_factory=ReadingPlan)

    def run(self) -> int:
        """Run it."""
        import numpy as np

        from radassay.reading.leak import require_blind, telling
        from radassay.reading.pack import pack
        from radassay.reading.pipeline import remedied
        from radassay.reading.plan import power_of
        from radassay.reading.study import require_new, write_study

        served = web("served")
        require_new(self.out)
        plan = self.plan
        real, synthetic = sets_of(self.real, self.synthetic)
        opened(real, ledger(self.real), plan)
        for n in range(ROUNDS + 1):
            packed = pack(plan, real, synthetic)
            found = packed.leaks(np.random.default_rng(plan.seed))
            tells = telling(found, plan.leak_limit)
            further = remedied(plan, tells, hu=packed.pixels.scale.hu)
            if not self.same_pipeline or further == plan or n == ROUNDS:
                break
            print(f"told apart by {' and '.join(tells)}; both arms are changed alike and tested again")
            plan = further
        plan = packed.plan
        require_blind(found, plan.leak_limit, plan.override)
        before = [*packed.facts, *found, *power_of(plan, len(packed.labels))]
        study = served.Study.model_validate(packed.study)
        write_study(
            self.out,
            plan,
            packed.key,
            before,
            lambda folder: str(served.write_served(folder, study, packed.pixels).fingerprint),
        )
        print(f"plan {plan.hash}")
        for one in before:
            print(f"  {told(one)}")
        asked = sum(len(block.items) + len(block.training) for block in study.blocks)
        print(f"{asked} items for each of {plan.readers} readers, {side_of(plan)}{changed(plan)}")
        if plan.pilot:
            print(f"This is a pilot: {plan.readers} readers; a claim on readers needs at least 6.")
        print(f"next: radassay reading serve {self.out}   (prints a link for each reader)")
        return 0


@dataclass(frozen=True)
class Serve:
    """Serve a planned study and print a link for each reader and one for the coordinator; stop with Ctrl-C.

    The first start makes the links; they are shown once, since only their hashes are kept. `--links N` makes links for
    N more. The key is not opened. Readers on other machines need `--host 0.0.0.0`, `--names` and TLS.

    Example: radassay reading serve studies/blind --port 8080
    """

    study: Annotated[Path, tyro.conf.Positional]
    """Folder that `radassay reading plan` wrote."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = 8080
    """Port to listen on."""
    names: tuple[str, ...] = ()
    """Names under which other machines reach the server."""
    address: str = ""
    """How links begin, such as `https://reading.hospital.org`."""
    database: str = ""
    """A file, or `postgresql+pg8000://...`; STUDY/reads.db by default."""
    links: int = 0
    """Make links for so many readers."""
    days: float = 30
    """How long links are valid."""
    certificate: Path | None = None
    """PEM file for TLS."""
    private_key: Path | None = None
    """Its key."""
    only_links: bool = False
    """Print the links and do not serve."""

    def run(self) -> int:
        """Run it."""
        from radassay.reading.study import read_study

        serving, planned = web("serving"), read_study(self.study)
        folder, database = self.study / "served", self.database or str(self.study / DATABASE)
        number = self.links or (planned.plan.readers if not self.database and not Path(database).exists() else 0)
        if number:
            scheme = "https" if self.certificate else "http"
            address = self.address or f"{scheme}://{self.names[0] if self.names else self.host}:{self.port}"
            for link in serving.readers(folder, database, number, address=address, days=self.days):
                print(f"{link.role} {link.id[:8]}  {link.address}", flush=True)
        else:
            print("Links were made at the first start; --links N makes more.", flush=True)
        if not self.only_links:
            print(f"Serving on {self.host}:{self.port} until Ctrl-C.", flush=True)
            tls = {"certificate": self.certificate, "private_key": self.private_key}
            serving.serve(folder, database, self.host, self.port, names=self.names, **tls)
        return 0


@dataclass(frozen=True)
class Analyse:
    """Open the key, under your name, and analyse the answers: a sealed run with its report.

    Every opening of the key is written down in STUDY/key/unblinding.jsonl, with the hash of the answers at that moment,
    and told in the run.

    Example: radassay reading analyse studies/blind --who "A. Smith" --out runs/blind
    """

    study: Annotated[Path, tyro.conf.Positional]
    """Folder that `radassay reading plan` wrote."""
    who: str
    """Your name: whoever unblinds the study."""
    out: Path
    """Folder of the run."""
    why: str = "final analysis"
    """What the study is unblinded for."""
    answers: Path | None = None
    """CSV of answers that the coordinator exported; those of the study's database by default."""
    sheets: tuple[Path, ...] = ()
    """Filled answer sheets of readers who used their own viewer; they are added to the answers of the page."""
    database: str = ""
    """Where the study was served from; STUDY/reads.db by default."""
    rules: str = "local"
    """Rules that judge the findings."""

    def run(self) -> int:
        """Run it."""
        import hashlib

        from radassay.cli.ending import tell
        from radassay.reading.analyse import analyse, record
        from radassay.reading.answers import read_answers
        from radassay.reading.key import open_key, unblindings
        from radassay.reading.study import read_study
        from radassay.workbench.path import conclude

        planned = read_study(self.study)
        content = self.answers.read_bytes() if self.answers else self._exported()
        if self.sheets:
            content = with_sheets(self.study, self.sheets, content)
        table = read_answers(content)
        key = open_key(self.study / "key", self.who, self.why, plan=planned.plan.hash, answers=content)
        analysed = analyse(planned.plan, key, table)
        acts = [dataclasses.asdict(act) for act in unblindings(self.study / "key")]
        record(
            self.out,
            planned.plan,
            analysed,
            served=planned.served,
            answers=hashlib.sha256(content).hexdigest(),
            before=planned.before,
            notes={"unblinding": acts},
        )
        print(analysed.statement)
        return tell(conclude(self.out, self.rules))

    def _exported(self) -> bytes:
        book, coordination, served = web("book"), web("coordination"), web("served")
        database = self.database or str(self.study / DATABASE)
        if not self.database and not Path(database).exists():
            if self.sheets:
                return b""
            raise SettingsError("There are no answers yet", got=database, possible="Give --answers or --database")
        folder = served.ServedFolder.open(self.study / "served")
        kept = book.Book(database, folder.fingerprint)
        try:
            return str(coordination.answers_csv(kept)).encode()
        finally:
            kept.close()


@dataclass(frozen=True)
class Command:
    """Can radiologists tell synthetic images from real ones, and do they judge them alike? A blinded reader study.

    Example: radassay reading plan runs/study --out studies/blind
    Then: radassay reading serve studies/blind
    Then: radassay reading analyse studies/blind --who "A. Smith" --out runs/blind
    """

    do: Annotated[Plan | Serve | Export | Analyse, tyro.conf.arg(name="")]

    def run(self) -> int:
        """Run it."""
        return self.do.run()


def web(part: str) -> Any:
    """Return a part of the web side.

    Raises:
        SettingsError: its libraries are not installed.
    """
    import importlib

    try:
        return importlib.import_module(f"radassay.web.{part}")
    except ModuleNotFoundError as error:
        raise SettingsError(
            "Reader studies need the web extra", got=error, possible="pip install 'radassay[web]'"
        ) from None


def sets_of(real: Path, synthetic: Path | None) -> tuple[ImageSet, ImageSet]:
    """Return real images with their splits and synthetic images, of a run or of two image sets.

    Raises:
        SettingsError: two image sets are needed, or the run's patient codes were keyed.
        InputError: a folder holds no image set.
    """
    import json

    from radassay.contracts import silent
    from radassay.images.imageset import ImageSet

    if not (real / "run.json").exists():
        if synthetic is None:
            raise SettingsError("Name a set of synthetic images too", possible="Or the folder of a run alone")
        return ImageSet.open(real), ImageSet.open(synthetic)
    from radassay.workbench.materials import gather
    from radassay.workbench.study import study_of

    told = json.loads((real / "run.json").read_text())["plan"]
    if told.get("real", {}).get("patient_key"):
        raise SettingsError("The patients of this run were coded with a key", possible="Give two image sets instead")
    study = study_of(told, str(real))
    made = ImageSet.open(synthetic or real / "work" / "sets" / "synthetic")
    return gather(study, real / "work", silent).real, made.with_columns(patient="", study="")


def ledger(real: Path) -> Path:
    """Return the folder in which uses of the test images are written down."""
    return real / "work" / "sets" / "real" if (real / "run.json").exists() else real


def opened(real: ImageSet, folder: Path, plan: ReadingPlan) -> None:
    """Write down beside the set that its test images are used, where they are."""
    from radassay.images.splits import open_test

    if plan.split != "validation" and (real.table["split"] == "test").any():
        open_test(real, folder, purpose="reader study", study=plan.draw)


def told(finding: Finding) -> str:
    """Return one of the findings from before the first reading, with its caution."""
    from radassay.evidence.wording import label, with_interval

    if finding.value is None:
        return f"{label(finding.name)}: {finding.reason}"
    words = with_interval(finding)
    if finding.name.startswith("leak_"):
        number = words.removeprefix(label(finding.name).lower()).strip()
        words = f"real or synthetic by {finding.name.removeprefix('leak_')}: AUC {number}"
    return f"{words} ({finding.reason})" if finding.reason else words


def side_of(plan: ReadingPlan) -> str:
    """Return how large every image is, in words."""
    stack = f" x {plan.slices} slices {plan.slice_mm:.3g} mm apart" if plan.slices > 1 else ""
    return f"{plan.size} x {plan.size} pixels{stack}"


def changed(plan: ReadingPlan) -> str:
    """Return what is done to both arms beyond resizing, in words."""
    steps = [f"{plan.hu[0]:g} to {plan.hu[1]:g} HU" if plan.hu else f"{plan.levels} grey levels"]
    steps += [f"{plan.trim:.0%} trimmed off each edge"] if plan.trim else []
    steps += [f"smoothed by {plan.smooth:g} pixels"] if plan.smooth else []
    steps += ["grey values equalised"] if plan.equalise else []
    return "; both arms: " + ", ".join(steps)
