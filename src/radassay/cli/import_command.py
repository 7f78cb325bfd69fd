"""`radassay import`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from radassay.cli.progress import progress


@dataclass(frozen=True)
class Command:
    """Read a folder or table of images into an image set, and list every file that was not taken and why.

    Example: radassay import cohen-cxr/metadata.csv --out sets/cohen --columns label finding patient patientid
    """

    source: Annotated[Path, tyro.conf.Positional]
    """A folder with one folder a class, a folder with a `metadata.csv`, or a CSV or Parquet table."""
    out: Path
    """Folder of the image set."""
    name: str = ""
    """Name of the set; the source's name by default."""
    origin: Literal["acquired", "generated", "transformed"] = "acquired"
    """`generated` for synthetic images made elsewhere."""
    images: Path | None = None
    """Folder that the file names of a table are relative to."""
    columns: dict[str, str] = field(default_factory=dict)
    """Which column of the table is what: pairs such as `label finding`."""
    patient_key: str = ""
    """Secret for the pseudonyms of patients."""

    def run(self) -> int:
        """Run it."""
        from radassay.images.importing import import_images
        from radassay.images.tables import TableMapping
        from radassay.workbench.materials import counting

        with progress() as report:
            images, imported = import_images(
                self.source,
                self.out,
                name=self.name,
                origin=self.origin,
                mapping=TableMapping(**self.columns) if self.columns else None,
                root=self.images,
                patient_key=self.patient_key,
                report=counting(report, "files"),
            )
        print(imported.summary())
        print(f"{len(images)} images, fingerprint {images.fingerprint[:16]}, in {self.out}")
        return 0
