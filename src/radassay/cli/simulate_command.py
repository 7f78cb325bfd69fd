"""`radassay simulate`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from radassay.cli.progress import progress


@dataclass(frozen=True)
class Command:
    """Make simulated chests with known truth: patients with age and sex, two hospitals, disease of chosen extent.

    Example: radassay simulate --out sets/phantoms --patients 300 --tie 0.5
    """

    out: Path
    """Folder of the image set."""
    patients: int = 200
    """How many patients."""
    images_per_patient: int = 2
    """Visits of each patient; in CT the slices of one scan, from the apices to the domes: 64 make a volume."""
    size: int = 128
    """Side in pixels."""
    modality: Literal["X-ray", "CT"] = "X-ray"
    """Chest radiographs, or axial CT slices in Hounsfield units."""
    lesions: Literal["opacities", "nodules"] = "opacities"
    """What disease is: opacities, or in CT one to four nodules of 5 to 30 mm."""
    prevalence: float = 0.5
    """Share of patients with disease."""
    tie: float = 0.0
    """How strongly hospital and disease go together: 0 not at all, 1 fully."""
    seed: int = 1
    """Seed; patient i of a seed is always the same."""

    def run(self) -> int:
        """Run it."""
        from radassay.workbench.materials import simulate

        settings = {
            "patients": self.patients,
            "images_per_patient": self.images_per_patient,
            "modality": self.modality,
            "lesions": self.lesions,
            "prevalence": self.prevalence,
            "tie": self.tie,
            "seed": self.seed,
        }
        with progress() as report:
            images = simulate(
                settings, self.out, name="simulated chests", size=self.size, origin="acquired", report=report
            )
        print(f"{len(images)} images, fingerprint {images.fingerprint[:16]}, in {self.out}")
        return 0
