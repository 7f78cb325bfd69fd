"""Pipelines of the library diffusers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from radassay.errors import InputError, SettingsError
from radassay.generators.compute import Compute
from radassay.generators.elsewhere.folder_model import FolderModel, OneModel, numbered
from radassay.generators.elsewhere.record import UNKNOWN, Origin, front_matter

LIBRARIES = ("diffusers", "transformers")
"""Where the parts of a pipeline may come from."""
PICKLED = (".bin", ".ckpt", ".pkl", ".pt", ".pth")


@dataclass(frozen=True)
class DiffusersPipeline(FolderModel):
    """A pretrained pipeline of diffusers in a folder (`save_pretrained`), drawn class by class or prompt by prompt.

    Only classes of diffusers and transformers and weights in safetensors are loaded; a folder with Python or pickled
    weights is refused, and nothing is downloaded.
    """

    name: ClassVar[str] = "diffusers"
    paper: ClassVar[str] = "von Platen et al. 2022, diffusers; and the paper of the pipeline that is set"
    library: ClassVar[str] = "diffusers"

    argument: str = ""
    """Argument of the pipeline that takes the class: `class_labels` or `prompt`; empty for one without classes."""
    steps: int = 50
    """Steps of the scheduler."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Further arguments of the pipeline, such as `{guidance_scale = 4.0}`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.argument not in ("", "class_labels", "prompt"):
            raise SettingsError("No such argument", got=self.argument, possible="class_labels, prompt, or nothing")
        if self.steps < 1:
            raise SettingsError("Setting `steps` of diffusers is out of range", got=self.steps, possible="1 or more")
        ours = {"generator", "output_type", "num_inference_steps", "batch_size", self.argument} & set(self.settings)
        if ours:
            raise SettingsError("These arguments are set by radassay", got=", ".join(sorted(ours)))

    def classes_of(self, labels: list[str]) -> dict[str, str]:
        """Return the model's class or prompt of each label.

        Raises:
            SettingsError: a label has none, or the pipeline cannot tell classes apart.
        """
        classes = super().classes_of(labels)
        if self.argument == "class_labels":
            for chosen in classes.values():
                numbered(chosen, self.name)
        elif not self.argument and len(set(classes.values())) > 1 and "{label}" not in self.model:
            raise SettingsError(
                "A pipeline without classes draws one class",
                got=", ".join(classes),
                possible="Set `argument`, or give a folder for each class with {label} in `model`",
            )
        return classes

    def checked(self, folder: Path) -> Origin:
        """Return what the model card says, after refusing what would run code.

        Raises:
            InputError: it is no pipeline, or has parts from elsewhere, Python, or pickled weights.
        """
        try:
            index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
            parts = {name: value for name, value in index.items() if isinstance(value, list) and name[:1] != "_"}
            kind = index.get("_class_name")
        except (OSError, ValueError, AttributeError) as error:
            raise InputError(
                f"{folder} holds no pipeline", got=error, possible="A folder with model_index.json"
            ) from None
        strange = [f"{name}: {value}" for name, value in parts.items() if value[0] not in (*LIBRARIES, None)]
        if not isinstance(kind, str) or strange:
            raise InputError(
                f"{folder} is made of parts that are not allowed",
                got=", ".join(strange) or f"_class_name: {kind}",
                possible=f"Classes of {' and '.join(LIBRARIES)}",
            )
        bad = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.suffix in (".py", *PICKLED))
        if bad:
            raise InputError(
                f"{folder} holds Python or pickled weights, which could run code",
                got=", ".join(bad[:3]),
                possible="Load it where you trust it and save it anew: `save_pretrained(..., safe_serialization=True)`",
            )
        card = front_matter(folder / "README.md")
        return Origin(
            model=str(folder),
            version=str(index.get("_diffusers_version", UNKNOWN)) + " (of diffusers)",
            licence=card.get("license", UNKNOWN),
            trained_on=card.get("datasets", UNKNOWN),
            note=kind,
        )

    def loaded(self, folder: Path, compute: Compute) -> OneModel:
        """Return what draws with the pipeline."""
        import diffusers

        try:
            pipeline: Any = diffusers.DiffusionPipeline.from_pretrained(
                str(folder), local_files_only=True, use_safetensors=True, trust_remote_code=False
            )
        except Exception as error:
            # diffusers and transformers raise whatever the parts do
            said = " ".join(str(error).split())
            raise InputError(f"diffusers does not load {folder}", got=f"{type(error).__name__}: {said}"[:400]) from None
        pipeline = pipeline.to(compute.device)
        pipeline.set_progress_bar_config(disable=True)

        def draw(randomness: list[torch.Generator], classes: Sequence[str]) -> NDArray[np.float32]:
            if self.argument == "prompt":
                asked: dict[str, Any] = {"prompt": list(classes)}
            elif self.argument:
                asked = {self.argument: [numbered(chosen, self.name) for chosen in classes]}
            else:
                asked = {"batch_size": len(classes)}
            try:
                answer = pipeline(
                    **asked,
                    **self.settings,
                    generator=randomness,
                    num_inference_steps=self.steps,
                    output_type="np",
                )
            except (RuntimeError, ValueError, TypeError) as error:
                raise InputError(
                    "The pipeline does not draw with these settings", got=f"{type(error).__name__}: {error}"[:300]
                ) from None
            return grey(getattr(answer, "images", None), len(classes))

        return draw


def grey(images: Any, wanted: int) -> NDArray[np.float32]:
    """Return a pipeline's pictures as (n, height, width) in [0, 1], channels averaged.

    Raises:
        InputError: they are no pictures.
    """
    values = np.asarray(images, dtype=np.float32) if images is not None else np.empty(0, dtype=np.float32)
    if values.ndim != 4 or len(values) != wanted or values.shape[-1] not in (1, 3):
        raise InputError(
            "The pipeline draws no pictures", got=f"shape {values.shape}", possible="(n, height, width, 1)"
        )
    return np.asarray(values.mean(axis=-1).clip(0, 1), dtype=np.float32)
