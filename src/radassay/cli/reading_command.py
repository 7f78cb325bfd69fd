"""`radassay reading`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro

from radassay.cli.reading_desk import Desk
from radassay.cli.reading_export import Export, with_sheets
from radassay.errors import SettingsError
from radassay.reading.plan import ReadingPlan

DATABASE = "reads.db"


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
        from radassay.cli.reading_planning import changed, opened, prepare, sets_of, side_of, told, write
        from radassay.reading.study import require_new

        served = web("served")
        require_new(self.out)
        real, synthetic = sets_of(self.real, self.synthetic)
        opened(real, self.real, self.plan)
        prepared = prepare(self.plan, real, synthetic, remedy=self.same_pipeline, say=print)
        before, plan = write(self.out, prepared, served), prepared.plan
        print(f"plan {plan.hash}")
        for one in before:
            print(f"  {told(one)}")
        print(f"{prepared.asked} items for each of {plan.readers} readers, {side_of(plan)}{changed(plan)}")
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

    do: Annotated[Plan | Serve | Desk | Export | Analyse, tyro.conf.arg(name="")]

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
