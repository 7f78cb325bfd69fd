"""The run directory: findings append-only, stage by stage, then sealed.

::

    RUN/run.json          plan, provenance, notes (times; not part of the findings)
    RUN/stages.jsonl      one line a finished stage
    RUN/findings.jsonl    one line a finding, append-only
    RUN/tables/*.parquet  raw observations
    RUN/pictures/*.png    what a person should look at
    RUN/seal.json         SHA-256 of every file above; no seal = unfinished
    RUN/work/             caches and checkpoints, never sealed, safe to delete once sealed
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from radassay.errors import NotReproducible, RunAltered, RunUnfinished, SettingsError, StorageError
from radassay.evidence.amendment import Amend, amended
from radassay.evidence.finding import Finding

if TYPE_CHECKING:
    import pandas as pd

SEALED = ("run.json", "stages.jsonl", "findings.jsonl", "tables", "pictures")


class Run:
    """One run directory; make one with `start` (new or resumed) or `open_sealed` (to read).

    A stage is recorded as a whole: tables and pictures first, then findings, then the stage's mark. A kill
    between two of these steps leaves an unmarked stage, which is done again and must give the same findings.
    """

    def __init__(self, path: Path, plan: Mapping[str, Any]) -> None:
        self.path = path
        self.plan = dict(plan)
        self._lock: Any = None

    @classmethod
    def start(
        cls,
        path: Path,
        plan: Mapping[str, Any],
        about: Mapping[str, Any] | None = None,
        *,
        amend: Amend | None = None,
    ) -> Run:
        """Start a run, or carry on with the one in `path`.

        Args:
            path: the run directory; made when absent.
            plan: what will be done, as JSON values; the same plan resumes, another is refused.
            about: provenance; kept from the first start.
            amend: leave to carry on with a plan that was changed, until the run is sealed; the change is kept.

        Raises:
            SettingsError: the directory holds a run of another plan, or something that is no run.
            StorageError: the directory cannot be written, or another process works in it.
        """
        plan = json.loads(json.dumps(dict(plan)))
        run = cls(path, plan)
        with storage(path):
            path.mkdir(parents=True, exist_ok=True)
            (path / "work").mkdir(exist_ok=True)
            run._take_lock()
            known = path / "run.json"
            if known.exists():
                run._same_plan(json.loads(known.read_text()), amend)
            else:
                others = [p.name for p in path.iterdir() if p.name not in ("work", ".lock")]
                if others:
                    raise SettingsError(
                        f"{path} is not empty and holds no run",
                        got=", ".join(sorted(others)[:5]),
                        possible="Give an empty or new folder with --out",
                    )
                write_atomic(known, _dumps({"plan": plan, "about": dict(about or {}), "notes": {}}))
            for torn in (*path.glob("*.tmp"), *path.glob("tables/*.tmp"), *path.glob("pictures/*.tmp")):
                torn.unlink()
            run._drop_torn_line(path / "findings.jsonl")
            run._drop_torn_line(path / "stages.jsonl")
        return run

    @classmethod
    def open_sealed(cls, path: Path) -> Run:
        """Open a finished run and verify every sealed byte.

        Raises:
            RunUnfinished: there is no seal.
            RunAltered: a sealed file changed, went missing or was added; it is named.
        """
        if not (path / "run.json").exists():
            raise RunUnfinished(f"{path} holds no run", possible="Give the folder that `radassay run` wrote")
        if not (path / "seal.json").exists():
            raise RunUnfinished(f"The run in {path} has no seal", possible="Run the same command again to finish it")
        run = cls(path, {})
        run.verify()
        run.plan = json.loads((path / "run.json").read_text())["plan"]
        return run

    @property
    def sealed(self) -> bool:
        """Return whether the run is finished."""
        return (self.path / "seal.json").exists()

    @property
    def work(self) -> Path:
        """Return the folder for caches and checkpoints."""
        return self.path / "work"

    @property
    def about(self) -> dict[str, Any]:
        """Return provenance and notes, which are not findings."""
        content = json.loads((self.path / "run.json").read_text())
        return {**content["about"], "notes": content["notes"]}

    def amendments(self) -> list[dict[str, Any]]:
        """Return what was changed in the plan after it was written down; see `radassay.evidence.amendment`."""
        changes: list[dict[str, Any]] = json.loads((self.path / "run.json").read_text()).get("amendments", [])
        return changes

    def stages(self) -> list[str]:
        """Return the names of the finished stages, in order."""
        return [json.loads(line)["stage"] for line in self._lines("stages.jsonl")]

    def findings(self) -> list[Finding]:
        """Return all findings in the order they were recorded."""
        return [Finding.from_json(line) for line in self._lines("findings.jsonl")]

    def table(self, name: str) -> pd.DataFrame:
        """Return one table of raw observations."""
        import pandas as pd

        return pd.read_parquet(self.path / "tables" / f"{name}.parquet")

    def tables(self) -> list[str]:
        """Return the names of the tables there are."""
        return sorted(p.stem for p in (self.path / "tables").glob("*.parquet"))

    def pictures(self) -> dict[str, bytes]:
        """Return the PNG bytes of every picture, by name."""
        return {p.stem: p.read_bytes() for p in sorted((self.path / "pictures").glob("*.png"))}

    def record(
        self,
        stage: str,
        findings: Sequence[Finding],
        tables: Mapping[str, pd.DataFrame] | None = None,
        pictures: Mapping[str, bytes] | None = None,
    ) -> None:
        """Record one finished stage; doing so twice changes nothing.

        Raises:
            NotReproducible: a finding of this stage was already written with another result.
            StorageError: the disk is full; findings already recorded are safe.
        """
        if self.sealed:
            raise RunAltered(f"The run in {self.path} is sealed; nothing can be added", got=stage)
        if stage in self.stages():
            return
        known = {f.id: f for f in self.findings()}
        with storage(self.path):
            for name, table in (tables or {}).items():
                write_table(self.path / "tables" / f"{name}.parquet", table)
            for name, png in (pictures or {}).items():
                write_atomic(self.path / "pictures" / f"{name}.png", png)
            lines = []
            for finding in findings:
                earlier = known.get(finding.id)
                if earlier is None:
                    lines.append(finding.to_json())
                    known[finding.id] = finding
                elif earlier.to_json() != finding.to_json():
                    raise NotReproducible(
                        f"{finding.key} differs from what was recorded before",
                        got=finding.value,
                        possible=f"It was {earlier.value}; use the same machine and thread count, or a new folder",
                    )
            append_durably(self.path / "findings.jsonl", lines)
            append_durably(self.path / "stages.jsonl", [json.dumps({"stage": stage, "findings": len(findings)})])

    def note(self, key: str, value: Any) -> None:
        """Keep a fact that is no finding, such as a wall time, in run.json."""
        with storage(self.path):
            content = json.loads((self.path / "run.json").read_text())
            content["notes"][key] = value
            write_atomic(self.path / "run.json", _dumps(content))

    def seal(self) -> str:
        """Write the SHA-256 of every file and return that of the findings."""
        with storage(self.path):
            (self.path / "findings.jsonl").touch()
            digests = self._digests()
            write_atomic(self.path / "seal.json", _dumps({"sha256": digests}))
        return digests["findings.jsonl"]

    def verify(self) -> None:
        """Raise `RunAltered`, naming the file, unless every sealed byte is as it was."""
        try:
            sealed: dict[str, str] = json.loads((self.path / "seal.json").read_text())["sha256"]
        except (ValueError, KeyError, TypeError):
            raise RunAltered(f"seal.json was changed after the run in {self.path} was sealed") from None
        now = self._digests()
        for name in sorted(sealed.keys() | now.keys()):
            if name not in now:
                raise RunAltered(f"{name} is missing from the sealed run in {self.path}")
            if name not in sealed:
                raise RunAltered(f"{name} was added to the sealed run in {self.path}")
            if sealed[name] != now[name]:
                raise RunAltered(f"{name} was changed after the run in {self.path} was sealed")

    def _digests(self) -> dict[str, str]:
        files = [p for top in SEALED for p in _files(self.path / top)]
        return {p.relative_to(self.path).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(files)}

    def _lines(self, name: str) -> list[str]:
        path = self.path / name
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def _same_plan(self, known: dict[str, Any], amend: Amend | None) -> None:
        if known["plan"] == self.plan:
            return
        if amend is not None and not self.sealed:
            change = amended(known["plan"], self.plan, amend, self.stages())
            told = {**known, "plan": self.plan, "amendments": [*known.get("amendments", []), change]}
            write_atomic(self.path / "run.json", _dumps(told))
            return
        keys = sorted(k for k in {*known["plan"], *self.plan} if known["plan"].get(k) != self.plan.get(k))
        raise SettingsError(
            f"{self.path} holds a run of another plan",
            got="other " + ", ".join(keys),
            possible="Give a new folder with --out, or the plan of that run to resume it; "
            "where the trial alone was changed, --amend REASON carries on",
        )

    def _take_lock(self) -> None:
        self._lock = open(self.path / ".lock", "w")  # noqa: SIM115 - held as long as the run object lives
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StorageError(f"Another process works in {self.path}", possible="Wait for it or end it") from None

    @staticmethod
    def _drop_torn_line(path: Path) -> None:
        """Cut what a kill left after the last whole line."""
        if path.exists():
            content = path.read_bytes()
            whole = content.rfind(b"\n") + 1
            if whole != len(content):
                with open(path, "r+b") as file:
                    file.truncate(whole)


def _files(top: Path) -> list[Path]:
    return [top] if top.is_file() else [p for p in top.rglob("*") if p.is_file()]


def _dumps(value: Any) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


@contextlib.contextmanager
def storage(path: Path) -> Iterator[None]:
    """Turn an operating system's refusal to write into a `StorageError` that says what to do."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"Cannot write in {path}",
            got=error.strerror or str(error),
            possible="Findings already recorded are safe; free some space or fix the permissions and run it again",
        ) from error


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file so that a kill leaves the old one or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a Parquet file atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    table.to_parquet(temporary, index=False)
    os.replace(temporary, path)


def append_durably(path: Path, lines: Sequence[str]) -> None:
    """Append whole lines and make sure that they are on the disk; on failure nothing is appended."""
    if not lines:
        path.touch()
        return
    rest = memoryview(("\n".join(lines) + "\n").encode())
    with open(path, "ab", buffering=0) as file:
        before = file.tell()
        try:
            while rest:
                rest = rest[file.write(rest) :]
            os.fsync(file.fileno())
        except OSError:
            with contextlib.suppress(OSError):
                os.truncate(path, before)
            raise
