"""The plug-in shapes: Generator, VolumeGenerator, Encoder, Classifier, Check, Defect and Probe.

A plug-in is a frozen dataclass: its fields are settings, the docstrings under them are the help, its methods
are the work. Each contract below is a list; `tests/contracts/` holds every registered plug-in to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from radassay.evidence.finding import Finding
from radassay.images.imageset import ImageSet
from radassay.images.intensity import Fit
from radassay.images.masks import read_mask
from radassay.images.sample import Sample

if TYPE_CHECKING:
    import pandas as pd

Grey = NDArray[np.float32]
"""(n, size, size) grey values in [0, 1]."""


@dataclass(frozen=True)
class Progress:
    """How far long work has come; the command line draws it, tests ignore it."""

    done: int
    total: int
    unit: str
    """What is counted, such as `images` or `steps`."""
    note: str = ""
    """Losses and the like, short."""
    task: str = ""
    """Which stage of a run this is; filled in by the workbench."""


Report = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """Ignore progress."""


@dataclass(frozen=True)
class Aside:
    """Real images of training patients that a generator does not learn from, to choose which snapshot it keeps."""

    pixels: Grey
    labels: NDArray[np.str_]
    encode: Callable[[Grey], NDArray[np.float32]]
    """Features in which drawn images are compared with these, (n, size, size) -> (n, d)."""
    encoder: str
    """Name and fingerprint of the encoder."""

    @cached_property
    def fingerprint(self) -> str:
        """Return the SHA-256 of the images, their labels and the encoder."""
        digest = hashlib.sha256(repr((self.encoder, self.pixels.shape, self.labels.tolist())).encode())
        digest.update(np.ascontiguousarray(self.pixels, dtype=np.float32).tobytes())
        return digest.hexdigest()


class Generator(Protocol):
    """Learns from real images and makes new ones.

    Contract:
        - `fit` sees the training images alone; labels are strings and every label given at `fit` can be sampled.
        - `fit` killed at any moment and called again with the same arguments and folder carries on and ends in
          the same weights as an unbroken run (same machine, same threads). Weights are safetensors, never pickle.
        - `fit` of a finished folder returns at once.
        - `sample` makes one image a label asked for, in [0, 1], shape (n, size, size); the same seed gives the same
          images, whatever `batch`; image i depends on (seed, i, labels[i]) alone.
        - Bad input (one image, NaN, odd size, an unknown label) is an `InputError` before any training.
        - `fit` writes `folder/grids/*.png` as it goes and reports progress with its rate and losses.
        - With `aside`, `fit` keeps the snapshot that is nearest to those images, by a rule fixed before it begins;
          without, the last one. It never learns from them.
    """

    name: ClassVar[str]
    paper: ClassVar[str]
    """Where the method is from."""

    def fit(
        self,
        pixels: Grey,
        labels: NDArray[np.str_],
        folder: Path,
        *,
        seed: int,
        report: Report = silent,
        aside: Aside | None = None,
    ) -> None: ...

    def sample(self, labels: NDArray[np.str_], folder: Path, *, seed: int, batch: int = 64) -> Grey: ...


@runtime_checkable
class Translator(Generator, Protocol):
    """A generator that starts from pictures instead of noise.

    Contract:
        - `translate` keeps shape and order: (n, size, size) in [0, 1] to the same. `labels` is the class that each
          image has now, `target` the one it shall become; an image that has it already is an `InputError`.
        - Picture i depends on (pixels[i], labels[i], target, seed, i) alone; some translators ignore the seed.
        - `sample` starts from training patients' pictures or maps, which are kept with the weights: such weights
          must not be published, and what is written beside them says so.
    """

    def translate(self, pixels: Grey, labels: NDArray[np.str_], folder: Path, *, target: str, seed: int) -> Grey: ...


class DrawnVolume(NamedTuple):
    """One generated volume."""

    voxels: NDArray[np.float32]
    """(depth, height, width) in [0, 1]; the first slice lies lowest, its first row in front."""
    spacing_mm: tuple[float, float, float]
    """Distance between voxel centres along depth, height and width."""


class VolumeGenerator(Protocol):
    """Learns from real volumes and makes new ones, in bounded memory.

    Contract:
        - `fit` takes volumes one at a time from a sequence, (depth, height, width) float32 in [0, 1], all of one shape,
          with the distance between voxel centres of each, (n, 3) in mm; it never holds all of them.
        - As with `Generator`: killed and called again it carries on to the same weights; a finished folder is left as
          it is; weights are safetensors; bad input is an `InputError` before any training; grids and progress.
        - `sample` yields one volume a label, one after the other; volume i depends on (seed, i, labels[i], shape)
          alone. Another shape than that of the training volumes shows more or less of the body, never other voxels.
        - `sample` needs no more than `sampling_bytes(shape)` of memory beyond the networks' own.
    """

    name: ClassVar[str]
    paper: ClassVar[str]

    def fit(
        self,
        volumes: Sequence[NDArray[np.float32]],
        labels: NDArray[np.str_],
        spacing_mm: NDArray[np.float64],
        folder: Path,
        *,
        seed: int,
        report: Report = silent,
    ) -> None: ...

    def sample(
        self, labels: NDArray[np.str_], folder: Path, *, seed: int, shape: tuple[int, int, int] | None = None
    ) -> Iterator[DrawnVolume]: ...

    def sampling_bytes(self, shape: tuple[int, int, int]) -> int: ...


class Encoder(Protocol):
    """Turns images into features.

    Contract:
        - `encode` maps (n, size, size) in [0, 1] to (n, d) float32, row by row: a row never depends on the others.
        - The same settings give the same features; `fingerprint` names them (settings and weights).
        - An encoder that needs weights or settings of its own has an attribute `missing`, which tells what it lacks and
          is empty where it is ready; without them `encode` is an `InputError` that says how to get them.
    """

    name: ClassVar[str]
    paper: ClassVar[str]

    @property
    def fingerprint(self) -> str: ...

    def encode(self, pixels: Grey) -> NDArray[np.float32]: ...


@runtime_checkable
class LearntEncoder(Encoder, Protocol):
    """An encoder that first learns from the user's own real training images, without their labels.

    Contract:
        - `learn` sees the training images alone and returns the encoder with its weights, which lie in `folder`
          (safetensors); `encode` of an encoder that has not learnt is an `InputError`.
        - `learn` killed at any moment and called again with the same arguments carries on and ends in the same
          weights as an unbroken run; called on a finished folder it returns at once.
    """

    def learn(
        self, pixels: Grey, patients: NDArray[np.str_], folder: Path, *, seed: int, report: Report = silent
    ) -> Encoder: ...


@dataclass(frozen=True)
class Job:
    """One training among several on shared images."""

    rows: NDArray[np.intp]
    """(n,) rows of the shared images that it learns from; a row may come twice."""
    targets: NDArray[np.bool_]
    """(n,) whether each of them is positive."""
    augment: bool
    """Whether classical augmentation is on."""
    seed: int
    core: int = 0
    """So many of the first rows fill half of every batch, the same ones in every job with the same core and seed; the
    others share the other half with them. 0: all rows alike."""
    balanced: bool = False
    """Whether batches hold both classes equally often, in place of the mix that the rows have."""


class Classifier(Protocol):
    """A small diagnosis model: the trial trains many.

    Contract:
        - `fit_scores` does every job for exactly `steps` steps, keeps its snapshot that is best on the validation
          images, and yields the score of each test image, in the order of the jobs, each as soon as it is known:
          higher means more likely positive.
        - Jobs do not know of each other: the scores of one are those of the same job alone, up to rounding.
        - Same arguments, same machine, same threads: same scores. Nothing is learned from the test images.
        - A job's `targets` may hold one class only: scores are then constant.
        - `pixels` may be a read-only memory map, which processes share.
    """

    name: ClassVar[str]
    paper: ClassVar[str]

    def fit_scores(
        self,
        pixels: Grey,
        jobs: Sequence[Job],
        validation: tuple[Grey, NDArray[np.bool_]],
        test: Grey,
        *,
        steps: int,
    ) -> Iterator[NDArray[np.float64]]: ...


def fit_score(
    classifier: Classifier,
    pixels: Grey,
    targets: NDArray[np.bool_],
    validation: tuple[Grey, NDArray[np.bool_]],
    test: Grey,
    *,
    steps: int,
    augment: bool,
    seed: int,
) -> NDArray[np.float64]:
    """Return the scores of the test images, (n_test,), after one training on all of `pixels`, both classes alike.

    Args:
        classifier: what is trained.
        pixels: (n, size, size)
        targets: (n,) whether each is positive.
        validation: images that choose the snapshot, and whether they are positive.
        test: images to score.
        steps: optimisation steps.
        augment: whether classical augmentation is on.
        seed: of the weights, the batches and the augmentation.
    """
    job = Job(np.arange(len(pixels)), targets, augment, seed, balanced=True)
    (scores,) = classifier.fit_scores(pixels, [job], validation, test, steps=steps)
    return scores


@dataclass(frozen=True)
class Inputs:
    """What a check may look at. A check never touches the sealed test images."""

    training: Sample
    """Real images that the generator and the trial learn from."""
    held_out: Sample
    """Real images of other patients: the reference of fidelity, coverage and memorisation."""
    synthetic: Sample | None = None
    """Generated images; None for a check of real data alone."""
    encode: Callable[[Grey], NDArray[np.float32]] | None = None
    """The encoder, (n, size, size) -> (n, d)."""
    encoder: str = ""
    """Name and fingerprint of the encoder."""
    positive: str = ""
    """The label that the task calls positive."""
    others: Sequence[Sample] = ()
    """Further sets that must share nothing with this one."""
    sealed: Sample | None = None
    """The test images, for the leakage check alone (pixels against pixels, no labels); None otherwise."""
    cache: dict[str, NDArray[np.float32]] = field(default_factory=dict, repr=False, compare=False)

    def features(self, sample: Sample) -> NDArray[np.float32]:
        """Return the features of a sample, (n, d), computed once."""
        if self.encode is None:
            raise ValueError("no encoder was given")
        key = f"{self.encoder}:{sample.fingerprint}"
        if key not in self.cache:
            self.cache[key] = self.encode(sample.pixels)
        return self.cache[key]

    def but(self, **changes: Any) -> Inputs:
        """Return the inputs with some of them replaced; the cache of features is shared."""
        return replace(self, **changes)

    def fingerprints(self, *samples: Sample | None) -> tuple[str, ...]:
        """Return the fingerprints to put into a finding."""
        return tuple(s.fingerprint[:16] for s in samples if s is not None)


class Check(Protocol):
    """One question about images, answered with findings.

    Contract:
        - `measure` returns findings alone; it draws, judges and writes nothing, and reads no global random state.
        - What cannot be measured is a finding without a value and with the reason; bad data are no exception.
        - The same inputs and the same generator state give the same findings.
        - Every value has an interval over patients, or a reason why none is valid.
        - `quick` returns the same check without intervals, for the controls; its values are the same.
        - No check knows that controls exist.
    """

    name: ClassVar[str]
    question: ClassVar[str]
    """What it asks, in a radiologist's words."""
    reads: ClassVar[Literal["real", "synthetic"]]
    """`real`: it looks at the real images; `synthetic`: it compares generated images with real ones."""
    matched: ClassVar[bool]
    """Whether its values depend on the number of synthetic images, so that controls must have equally many."""
    encoded: ClassVar[bool]
    """Whether its values depend on the encoder, so that it is measured with each encoder of a study."""
    watched: ClassVar[Mapping[str, str]]
    """The measures that the controls follow: finding name -> `higher` or `lower`, the way a defect moves it."""
    meets: ClassVar[tuple[str, ...]]
    """Names of the only defects planted for it, where any other would be costly and cannot reach it; empty for all."""

    def measure(self, inputs: Inputs, rng: np.random.Generator) -> list[Finding]: ...

    def quick(self) -> Check: ...


class Defect(Protocol):
    """A known fault, planted in a dose into inputs that have none.

    Contract:
        - `plant` at dose 0 changes nothing; a larger dose is a worse fault; the same rng state, the same result.
        - It changes `inputs.synthetic` (`into == "synthetic"`) or the real samples (`into == "real"`), nothing else.
    """

    name: ClassVar[str]
    what: ClassVar[str]
    """The fault in a radiologist's words."""
    unit: ClassVar[str]
    """Unit of the dose, such as `share of images`."""
    into: ClassVar[Literal["real", "synthetic"]]
    doses: tuple[float, ...]
    """Doses tried, ascending."""

    def plant(self, inputs: Inputs, dose: float, rng: np.random.Generator) -> Inputs: ...


@dataclass(frozen=True)
class Subject:
    """Image sets under audit, as they are, before anything is split or trained.

    Images are counted through all sets: image i is row i of `table`.
    """

    sets: tuple[ImageSet, ...]
    """The sets, with different names."""
    roots: tuple[Path, ...]
    """The folder of each set that the column `source` starts from."""
    positive: tuple[str, ...] = ()
    """Labels that count as diseased; empty where none were named."""
    masks: Mapping[str, Mapping[int, Path]] = field(default_factory=dict)
    """Files of outlines by kind (`lung`, `opacity`), then by image."""
    classifier: Classifier | None = None
    """A network, where the user asks for one in place of the linear models."""
    cache: dict[str, NDArray[np.float32]] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def table(self) -> pd.DataFrame:
        """Return the rows of all sets, one below the other, with three columns more.

        `set`: name of the set; `path`: the file, with the root of its set; `unit`: the independent unit, a patient of
        its set, or the image where no patient is known.
        """
        import pandas as pd

        parts = [
            images.table.assign(
                set=images.name,
                path=[(root / source).as_posix() for source in images.table["source"]],
                unit=np.char.add(f"{images.name}/", images.units.astype(str)),
            )
            for images, root in zip(self.sets, self.roots, strict=True)
        ]
        return pd.concat(parts, ignore_index=True)

    def __len__(self) -> int:
        return sum(len(images) for images in self.sets)

    def at(self, image: int) -> tuple[ImageSet, int]:
        """Return the set that image i is in, and its row there."""
        for images in self.sets:
            if image < len(images):
                return images, image
            image -= len(images)
        raise IndexError(image)

    def pixels(self, image: int) -> NDArray[np.generic]:
        """Return the decoded pixels of image i, as stored: (height, width) or (height, width, 3)."""
        images, row = self.at(image)
        return images.pixels(row)

    def display(self, image: int, size: int | None = None, fit: Fit = "squash") -> NDArray[np.float32]:
        """Return image i as grey values in [0, 1], (height, width) or (size, size)."""
        images, row = self.at(image)
        return images.display(row, size, fit)

    def thumbnails(self, size: int) -> Grey:
        """Return all images squashed into (n, size, size), read once a process."""
        key = f"thumbnails {size}"
        if key not in self.cache:
            self.cache[key] = np.concatenate([images.load(size) for images in self.sets])
        return self.cache[key]

    def mask(self, kind: str, image: int) -> NDArray[np.bool_] | None:
        """Return the outline of image i, (height, width) as the picture, or None where there is none."""
        path = self.masks.get(kind, {}).get(image)
        if path is None:
            return None
        height, width = (int(self.table[side].iloc[image]) for side in ("height", "width"))
        return read_mask(path, (height, width))


@dataclass(frozen=True)
class Answer:
    """What a probe found."""

    findings: list[Finding]
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    """Observations behind the findings, by name."""
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    """PNG bytes, by name; the name begins with that of the probe."""
    captions: Mapping[str, str] = field(default_factory=dict)
    """What each picture shows, by its name."""


class Probe(Protocol):
    """One question about image sets before anything is trained, answered in minutes.

    Contract:
        - `measure` judges and writes nothing and reads no global random state; the same subject and the same
          generator state give the same answer.
        - A finding is about one set (slice `set=NAME`), one label of it (`set=NAME, label=LABEL`), two sets
          (`sets=A+B`) or all (`all`).
        - What cannot be measured is a finding without a value and with the reason; bad data are no exception.
        - Every value has an interval over patients, or a reason why none is valid.
        - Every measure that a rule judges comes with a finding of role `limit`, control `true effect` and the same
          name and slice: the smallest effect at which this measure, on these images, would fail its rule 95 times
          in 100.
        - Memory is bounded: of very large sets a random part is looked at, and the finding says so.
    """

    name: ClassVar[str]
    question: ClassVar[str]
    """What it asks, in a radiologist's words."""

    def measure(self, subject: Subject, rng: np.random.Generator, report: Report = silent) -> Answer: ...
