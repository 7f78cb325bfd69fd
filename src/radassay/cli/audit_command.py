"""`radassay audit`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro


@dataclass(frozen=True)
class Command:
    """Find what is wrong with image sets before anyone trains: the same radiograph twice, images that are not what
    they say, shortcuts to the label, confounders, what rescaling destroys, and what is not known of the set.

    A set is a folder with one folder a class, a folder with a `metadata.csv`, a plain folder of images, a table, or an
    imported set. Outlines may lie in `masks/lung` and `masks/opacity` below it, what only a person knows in
    `card.toml`. Killed at any moment, the same command carries on and ends in the same findings.

    Example: radassay audit ours/ public/ --positive COVID-19 --out runs/audit
    """

    sets: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Image sets: folders or tables; several are compared with each other."""
    out: Path = Path("runs/audit")
    """Folder of the run."""
    positive: tuple[str, ...] = ()
    """Labels that count as diseased; without any, every frequent label is asked about in turn."""
    only: tuple[str, ...] = ()
    """Names of the probes to ask; all by default (`radassay list` names them)."""
    skip: tuple[str, ...] = ()
    """Names of probes to leave out."""
    deep: bool = False
    """Also train a small network where linear models are the default; takes much longer."""
    rules: str = "audit"
    """`audit`, or the path of a rule file."""
    patient_key: str = ""
    """Key of the pseudonyms of patients."""
    seed: int = 1
    """Seed of all that is drawn."""

    def run(self) -> int:
        """Run it."""
        from radassay import registry
        from radassay.cli.ending import tell
        from radassay.cli.progress import progress
        from radassay.errors import SettingsError
        from radassay.workbench.audit import Audit, audit

        there = registry.names("probes")
        unknown = sorted({*self.only, *self.skip} - {*there})
        if unknown:
            raise SettingsError("No such probe", got=", ".join(unknown), possible="Probes: " + ", ".join(there))
        asked = tuple(name for name in self.only or there if name not in self.skip)
        if not asked:
            raise SettingsError("No probe is left", possible="Name fewer under --skip")
        plan = Audit(
            sources=self.sets,
            positive=self.positive,
            probes=asked,
            classifier="small-cnn" if self.deep else "",
            patient_key=self.patient_key,
            seed=self.seed,
        )
        with progress() as report:
            outcome = audit(plan, self.out, self.rules, report)
        return tell(outcome)
