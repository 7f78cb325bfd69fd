"""A cohort of simulated patients with known truth, without end and without a download."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from radassay.errors import SettingsError
from radassay.images.phantom.anatomy import Chest, Person, Pose
from radassay.images.phantom.disease import Disease, Opacities
from radassay.images.phantom.geometry import Array, length_outside
from radassay.images.phantom.hospital import HOSPITALS, Hospital
from radassay.images.phantom.nodules import Nodules
from radassay.images.phantom.projection import Film, lung_depth, opacity_depth, radiological_depth
from radassay.images.phantom.slices import Slice, Volume

Label = Literal["disease", "healthy"]
Modality = Literal["X-ray", "CT"]
Lesions = Literal["opacities", "nodules"]
LABELS: tuple[Label, Label] = ("disease", "healthy")


def _shrunk(picture: Array, times: int) -> Array:
    """Return the picture with blocks of times x times pixels averaged."""
    side = len(picture) // times
    small: Array = picture.reshape(side, times, side, times).mean(axis=(1, 3), dtype=np.float32)
    return small


@dataclass(frozen=True)
class Masks:
    """The truth behind one picture, boolean arrays of the picture's shape."""

    lung: NDArray[np.bool_]
    """X-ray: at least 15 mm of lung behind the pixel; CT: the voxel is mostly lung."""
    heart: NDArray[np.bool_]
    """X-ray: the heart's silhouette; CT: the voxel is mostly heart."""
    opacity: NDArray[np.bool_]
    """X-ray: opacities add at least 4 mm of water; CT: they add at least 50 HU."""
    nodule: NDArray[np.bool_]
    """CT: the voxel is mostly nodule; X-ray: nowhere."""


@dataclass(frozen=True)
class Patient:
    """One simulated patient: who, where, and how ill."""

    code: str
    person: Person
    label: Label
    site: str
    disease: Disease | None
    seed: tuple[int, ...]
    nodular: bool = False
    """Whether the disease is nodules."""


@dataclass(frozen=True)
class Picture:
    """One simulated image of one patient; the pixels and masks are made when asked for."""

    patient: Patient
    number: int
    """Which image of the patient, from 0."""
    visit: int
    """X-ray: a visit an image; CT: one visit, whose slices are the images."""
    modality: Modality
    size: int
    position_mm: float
    """Height of a CT slice; NaN for an X-ray."""
    hospital: Hospital

    @cached_property
    def pose(self) -> Pose:
        """Return how the patient stood."""
        pose = Pose.draw(np.random.default_rng([*self.patient.seed, 10, self.visit]))
        if self.modality == "X-ray":
            return pose
        # lying with arms up, in a scanner that is always level
        return replace(pose, roll=0.0, rotation=pose.rotation / 2, shift_x=0.0, shift_z=0.0, zoom=1.0)

    @cached_property
    def chest(self) -> Chest:
        """Return the anatomy in this pose."""
        return Chest(self.patient.person, self.pose, arms=self.modality == "X-ray")

    @cached_property
    def opacities(self) -> Opacities | None:
        """Return the disease in this pose; it waxes and wanes by about a sixth between visits."""
        if self.patient.disease is None:
            return None
        change = np.random.default_rng([*self.patient.seed, 11, self.visit]).normal(0, 0.15)
        extent = self.patient.disease.extent * float(np.exp(np.clip(change, -0.4, 0.4)))
        return replace(self.patient.disease, extent=extent).opacities(self.chest)

    @cached_property
    def nodules(self) -> Nodules | None:
        """Return the nodules, which do not change between visits."""
        if not self.patient.nodular:
            return None
        return Nodules.draw(self.chest, np.random.default_rng([*self.patient.seed, 13]))

    @property
    def _looks(self) -> np.random.Generator:
        return np.random.default_rng([*self.patient.seed, 12, self.visit, self.number])

    @property
    def _oversampling(self) -> int:
        return max(1, -(-128 // self.size))

    @property
    def spacing_mm(self) -> float:
        """Return the side of a pixel at the patient, mm."""
        return 380.0 / self.size if self.modality == "CT" else Film(self.size, self.pose).pitch

    def _slice(self) -> Slice:
        thick = self.hospital.slice_mm
        fine = self.size * self._oversampling
        return Volume(self.chest, self.opacities, fine, nodules=self.nodules).at(self.position_mm, thick)

    def exact(self) -> Array:
        """Return the picture before hospital and noise, (size, size): mm of water (X-ray) or HU (CT)."""
        fine = self.size * self._oversampling
        if self.modality == "CT":
            return _shrunk(self._slice().hu, self._oversampling)
        return _shrunk(radiological_depth(self.chest, Film(fine, self.pose), self.opacities), self._oversampling)

    def grey(self) -> Array:
        """Return the X-ray as grey values in [0, 1], or the CT slice in HU; (size, size) float32."""
        fine = self.size * self._oversampling
        if self.modality == "CT":
            hu = self._slice().hu
            return _shrunk(self.hospital.scan(hu, 380.0 / fine, self._looks), self._oversampling)
        film = Film(fine, self.pose)
        person = self.patient.person
        thick = 200.0 * person.size + 1.6 * (person.fat - 13.0)
        depth = radiological_depth(self.chest, film, self.opacities)
        return _shrunk(self.hospital.film(depth, film.pitch, thick, self._looks), self._oversampling)

    def pixels(self) -> NDArray[np.uint8] | NDArray[np.int16]:
        """Return the picture as stored, (size, size): X-ray 0 to 255 as uint8, CT in HU as int16."""
        if self.modality == "CT":
            return np.rint(self.grey()).astype(np.int16)
        return np.rint(self.grey() * 255).astype(np.uint8)

    def masks(self) -> Masks:
        """Return where lungs, heart and opacities truly are."""
        if self.modality == "CT":
            cut = replace(self)._slice()
            parts = [_shrunk(p, self._oversampling) for p in (cut.lung, cut.heart, cut.opacity, cut.nodule)]
            return Masks(parts[0] > 0.5, parts[1] > 0.5, parts[2] >= 50, parts[3] > 0.5)
        film = Film(self.size, self.pose)
        x, z = film.grid
        heart = sum(length_outside(part, [self.chest.domes(x, z)]) for part in self.chest.heart(x, z))
        added = np.zeros_like(x) if self.opacities is None else opacity_depth(self.opacities, film)
        nowhere = np.zeros(x.shape, dtype=bool)
        return Masks(lung_depth(self.chest, film) >= 15, np.asarray(heart) > 10, added >= 4000, nowhere)

    def row(self) -> dict[str, object]:
        """Return what an image set knows about this picture, without its id."""
        p = self.patient
        return {
            "source": f"{p.code}/{self.visit:02d}/{self.number:02d}",
            "origin": "acquired",
            "patient": p.code,
            "study": f"{p.code}-{self.visit:02d}",
            "label": p.label,
            "label_source": p.label,
            "sex": p.person.sex,
            "age_text": str(p.person.age),
            "age_years": float(p.person.age),
            "view": "PA" if self.modality == "X-ray" else "Axial",
            "modality": self.modality,
            "site": p.site,
            "spacing_mm": self.spacing_mm,
            "position_mm": self.position_mm,
            "extent": p.disease.extent if p.disease else 0.0,
            "simulated": "yes",
            **({"nodules_mm": self._diameters()} if p.nodular else {}),
        }

    def _diameters(self) -> str:
        found = self.nodules
        return "" if found is None else " ".join(f"{d:.1f}" for d in found.diameter_mm)


@dataclass(frozen=True)
class Cohort:
    """Settings of a cohort. Patient i of a seed is always the same, however many are drawn, in whatever order.

    Label and hospital are drawn first; person, pose, disease and film come from separate streams, so that
    changing one setting leaves everything else of a patient as it was.

    Raises:
        SettingsError: a setting is out of range.
    """

    patients: int = 200
    images_per_patient: int = 2
    """X-rays at as many visits, or CT slices of one scan."""
    prevalence: float = 0.5
    """Probability of disease."""
    tie: float = 0.0
    """How strongly hospital and disease go together: 0 independent, 1 the diseased are all from the second."""
    size: int = 128
    """Rows and columns."""
    modality: Modality = "X-ray"
    extent: tuple[float, float] = (0.08, 0.28)
    """Range of the share of the lungs that opacities cover, drawn evenly."""
    hospitals: tuple[Hospital, Hospital] = HOSPITALS
    seed: int = 0
    lesions: Lesions = "opacities"
    """What disease is: opacities, or in CT one to four nodules of 5 to 30 mm."""

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("patients", self.patients, 1, 10**9),
            ("images_per_patient", self.images_per_patient, 1, 1000),
            ("prevalence", self.prevalence, 0, 1),
            ("tie", self.tie, 0, 1),
            ("size", self.size, 16, 1024),
            ("extent", self.extent[0], 0, min(self.extent[1], 0.4)),
            ("extent", self.extent[1], self.extent[0], 0.4),
            ("seed", self.seed, 0, 2**63),
        ):
            if not low <= value <= high:
                raise SettingsError(f"Setting `{name}` of the phantoms", got=value, possible=f"From {low} to {high}")
        if self.modality not in ("X-ray", "CT"):
            raise SettingsError("Setting `modality` of the phantoms", got=self.modality, possible="X-ray or CT")
        if self.lesions not in ("opacities", "nodules") or (self.lesions == "nodules" and self.modality != "CT"):
            got = f"{self.lesions} in {self.modality}"
            raise SettingsError("Setting `lesions` of the phantoms", got=got, possible="opacities, or nodules in CT")

    def patient(self, index: int, label: Label | None = None, site: str | None = None) -> Patient:
        """Return patient `index`, from 0 and without end; label and site may be forced.

        Forcing them changes nothing else: the same person in the same pose, ill or not, here or there.
        """
        return self._patient((self.seed, index), f"P{index:05d}", label, site)

    def _patient(self, seed: tuple[int, ...], code: str, label: Label | None, site: str | None) -> Patient:
        fate = np.random.default_rng([*seed, 0]).random(2)
        label = label or ("disease" if fate[0] < self.prevalence else "healthy")
        second = 0.5 * (1 + self.tie) if label == "disease" else 0.5 * (1 - self.tie)
        site = site or self.hospitals[int(fate[1] < second)].name
        if site not in [h.name for h in self.hospitals]:
            known = ", ".join(h.name for h in self.hospitals)
            raise SettingsError("No such hospital", got=site, possible=f"Hospitals: {known}")
        person = Person.draw(np.random.default_rng([*seed, 1]))
        ill, nodular = label == "disease", self.lesions == "nodules"
        disease = Disease.draw(np.random.default_rng([*seed, 2]), self.extent) if ill and not nodular else None
        return Patient(code, person, label, site, disease, seed, ill and nodular)

    def picture(self, patient: Patient, number: int = 0) -> Picture:
        """Return image `number` of a patient."""
        hospital = next(h for h in self.hospitals if h.name == patient.site)
        visit, position = number, float("nan")
        if self.modality == "CT":
            s = patient.person.size
            jitter = np.random.default_rng([*patient.seed, 3]).random()
            # evenly from just under the apices to the domes
            visit, position = 0, s * (95.0 - 185.0 * (number + jitter) / self.images_per_patient)
        return Picture(patient, number, visit, self.modality, self.size, position, hospital)

    def pictures(self, indices: range | None = None) -> Iterator[Picture]:
        """Yield all pictures of all patients, or of these patients."""
        for index in indices if indices is not None else range(self.patients):
            patient = self.patient(index)
            for number in range(self.images_per_patient):
                yield self.picture(patient, number)

    def draw(self, label: Label, site: str, rng: np.random.Generator) -> Picture:
        """Return one picture of a fresh patient from the true distribution given label and hospital."""
        seed = tuple(int(v) for v in rng.integers(2**32, size=4))
        patient = self._patient(seed, f"D{seed[0]:08x}{seed[1]:08x}", label, site)
        return self.picture(patient, int(rng.integers(self.images_per_patient)))
