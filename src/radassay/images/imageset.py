"""The image set: a table, one row an image, over lazily read pixels."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radassay.errors import InputError
from radassay.evidence.run import storage, write_atomic, write_table
from radassay.images.intensity import Fit, to_display
from radassay.images.store import Pixels, PixelStore

TEXT_COLUMNS = {
    "image": "SHA-256 of the decoded pixels",
    "source": "path of the file within the imported folder, with `#n` for a slice or frame",
    "origin": "`acquired`, `generated` or `transformed`",
    "patient": "pseudonym of the patient; empty where the source names none",
    "study": "pseudonym of the study, volume or visit; empty where unknown",
    "label": "the class as the task sees it",
    "label_source": "the class as the source wrote it",
    "sex": "`F`, `M`, or empty where unknown",
    "age_text": "age as the source wrote it, such as `50+`",
    "view": "such as `PA`, `AP Supine`, `L`, `Axial`; empty where unknown",
    "modality": "such as `X-ray`, `CT`; empty where unknown",
    "site": "hospital or source; empty where unknown",
    "split": "`train`, `validation`, `test`, or empty before splitting",
    "format": "file type by content, such as `png`, `jpeg`, `dicom`",
    "unit": "`HU`, or `stored` for values without a physical unit",
    "warning": "why the import took it only with a warning; empty otherwise",
}
NUMBER_COLUMNS = {
    "age_years": "age in years where the text gives one (`50+` gives 50); NaN otherwise",
    "height": "rows as decoded",
    "width": "columns as decoded",
    "channels": "1 or 3",
    "bits": "bits stored per value",
    "low": "value shown black (inverted pictures are turned at import)",
    "high": "value shown white",
    "spacing_mm": "distance between pixel centres in mm; NaN where unknown",
    "position_mm": "position along the axis of a volume in mm; NaN outside volumes",
}
COLUMNS = (*TEXT_COLUMNS, *NUMBER_COLUMNS)
"""Every column of an image set; extra columns are kept and count in the fingerprint."""


@dataclass(frozen=True)
class ImageSet:
    """A table of images over a pixel store. Real, generated and planted images are all this.

    Rows are kept sorted by (`image`, `source`), so that nothing depends on the order of files.
    """

    name: str
    table: pd.DataFrame
    store: PixelStore

    @classmethod
    def of(cls, name: str, rows: pd.DataFrame | Sequence[Mapping[str, Any]], store: PixelStore) -> ImageSet:
        """Return a set from rows that hold at least `image`; absent columns are filled as unknown."""
        table = pd.DataFrame(rows).copy()
        for column in TEXT_COLUMNS:
            values = table[column] if column in table else pd.Series("", index=table.index)
            table[column] = values.astype(object).where(values.notna(), "").astype(str)
        for column in NUMBER_COLUMNS:
            values = table[column] if column in table else pd.Series(np.nan, index=table.index)
            table[column] = pd.to_numeric(values).astype(float)
        extra = [c for c in table.columns if c not in COLUMNS]
        table = table[[*COLUMNS, *extra]].sort_values(["image", "source"], kind="stable").reset_index(drop=True)
        return cls(name, table, store)

    @staticmethod
    def lies_in(folder: Path) -> bool:
        """Return whether a folder holds an image set."""
        return (folder / "set.json").is_file()

    @classmethod
    def open(cls, folder: Path) -> ImageSet:
        """Return the set that `save` wrote into a folder.

        Raises:
            InputError: the folder holds no image set.
        """
        if not cls.lies_in(folder):
            raise InputError(f"{folder} holds no image set", possible="Make one with `radassay import`")
        name = json.loads((folder / "set.json").read_text())["name"]
        return cls.of(name, pd.read_parquet(folder / "images.parquet"), PixelStore(folder / "pixels"))

    def save(self, folder: Path) -> None:
        """Write table and description; the pixels must already lie in `folder/pixels`."""
        with storage(folder):
            write_table(folder / "images.parquet", self.table)
            about = {"name": self.name, "images": len(self), "fingerprint": self.fingerprint}
            write_atomic(folder / "set.json", (json.dumps(about, indent=1) + "\n").encode())

    def copied(self, folder: Path, report: Callable[[int, int, str], None] | None = None) -> ImageSet:
        """Return the set with its pictures in another folder; what lies there from an earlier call is not copied again.

        Args:
            folder: where table and pictures are written.
            report: called with pictures done, pictures in all and a note.

        Raises:
            InputError: a picture is missing, or is not the one that its row names.
        """
        if not (self.lies_in(folder) and ImageSet.open(folder).fingerprint == self.fingerprint):
            store, images = PixelStore(folder / "pixels"), sorted(set(self.table["image"]))
            for done, image in enumerate(images, start=1):
                if not store.path(image).exists() and store.put(self.store.get(image)) != image:
                    raise InputError(f"Picture {image[:12]} of {self.name} was altered", possible="Make the set again")
                if report:
                    report(done, len(images), "")
            ImageSet(self.name, self.table, store).save(folder)
        return replace(ImageSet.open(folder), name=self.name)

    def __len__(self) -> int:
        return len(self.table)

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256 of all rows, whatever order the files came in."""
        rows = sorted(json.dumps(list(row), default=str) for row in self.table.itertuples(index=False))
        head = json.dumps(list(self.table.columns))
        return hashlib.sha256("\n".join([head, *rows]).encode()).hexdigest()

    @property
    def units(self) -> NDArray[np.str_]:
        """Return the independent unit of each image: its patient, or the image itself where none is known."""
        known = self.table["patient"].to_numpy(dtype=str)
        return np.where(known != "", known, np.char.add("image:", self.table["image"].to_numpy(dtype=str)))

    def where(self, **wanted: str | Sequence[str]) -> ImageSet:
        """Return the rows whose columns have one of the wanted values, such as `where(split="train")`.

        Raises:
            InputError: no such column.
        """
        keep = np.ones(len(self), dtype=bool)
        for column, values in wanted.items():
            if column not in self.table:
                raise InputError(
                    "No such column in the image set", got=column, possible="Columns: " + ", ".join(self.table.columns)
                )
            allowed = [values] if isinstance(values, str) else list(values)
            keep &= self.table[column].isin(allowed).to_numpy()
        return self.take(np.flatnonzero(keep))

    def take(self, rows: NDArray[np.integer[Any]] | Sequence[int]) -> ImageSet:
        """Return the rows at these positions."""
        return ImageSet(self.name, self.table.iloc[list(rows)].reset_index(drop=True), self.store)

    def with_columns(self, **columns: Any) -> ImageSet:
        """Return the set with columns added or replaced."""
        return ImageSet.of(self.name, self.table.assign(**columns), self.store)

    def pixels(self, row: int) -> Pixels:
        """Return the decoded pixels of one row, as stored: (height, width) or (height, width, 3)."""
        return self.store.get(str(self.table["image"].iloc[row]))

    def display(self, row: int, size: int | None = None, fit: Fit = "squash") -> NDArray[np.float32]:
        """Return one picture as grey values in [0, 1], shape (height, width) or (size, size)."""
        window = (float(self.table["low"].iloc[row]), float(self.table["high"].iloc[row]))
        return to_display(self.pixels(row), window, size, fit)

    def load(self, size: int, fit: Fit = "squash") -> NDArray[np.float32]:
        """Return all pictures as grey values in [0, 1], shape (n, size, size)."""
        out = np.empty((len(self), size, size), dtype=np.float32)
        for row, picture in enumerate(self.each(size, fit)):
            out[row] = picture
        return out

    def each(self, size: int, fit: Fit = "squash") -> Iterator[NDArray[np.float32]]:
        """Yield pictures one at a time, so that memory does not grow with the set."""
        for row in range(len(self)):
            yield self.display(row, size, fit)
