"""Generative models packed as MONAI bundles."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from radassay.errors import InputError, SettingsError
from radassay.generators.compute import Compute
from radassay.generators.elsewhere.bundle_config import configuration, filled, made
from radassay.generators.elsewhere.folder_model import FolderModel, OneModel, numbered
from radassay.generators.elsewhere.record import UNKNOWN, Origin


@dataclass(frozen=True)
class MonaiBundle(FolderModel):
    """A pretrained GAN or diffusion model packed as a MONAI bundle: flat pictures, no volumes.

    Of the bundle only data are used: the classes and plain arguments that its JSON configuration names, and its
    weights. Its Python (`$` expressions, `scripts/`) is never run, so how pictures are drawn is said here: noise
    through a network (`gan`), or noise refined in `steps` by a DDPM, DDIM or rectified flow scheduler (`diffusion`)
    and then decoded (`latent-diffusion`).
    """

    name: ClassVar[str] = "monai"
    paper: ClassVar[str] = "Cardoso et al. 2022, MONAI, arXiv 2211.02701; Pinaya et al. 2023, arXiv 2307.15208"
    library: ClassVar[str] = "monai"

    recipe: Literal["gan", "diffusion", "latent-diffusion"] = "gan"
    """How pictures come about."""
    config: str = "configs/inference.json"
    """The bundle's configuration, JSON."""
    values: dict[str, Any] = field(default_factory=dict)
    """Plain values in place of entries that are Python, such as `{"network_def#channels" = [32, 64]}`."""
    network: str = "network_def"
    """Section of the network."""
    weights: str = "models/model.pt"
    """Its weights: safetensors, a `state_dict`, or TorchScript (`.ts`)."""
    runs_its_code: bool = False
    """Must be true for TorchScript: loading it runs code from the file, so it must come from somebody you trust."""
    scheduler: str = "noise_scheduler"
    """Section of the scheduler (`diffusion`, `latent-diffusion`)."""
    steps: int = 50
    """Steps of the scheduler."""
    autoencoder: str = "autoencoder_def"
    """Section of the autoencoder (`latent-diffusion`)."""
    autoencoder_weights: str = "models/autoencoder.pt"
    """Its weights."""
    scale_factor: float = 1.0
    """What latents are divided by before they are decoded."""
    shape: tuple[int, ...] = ()
    """Shape of the noise without the batch: the latent of a GAN, or channels, height and width."""
    noise: Literal["normal", "uniform"] = "normal"
    """Distribution of the noise: standard normal, or uniform from 0 to 1."""
    conditional: bool = False
    """Whether the network takes class numbers (`class_labels`)."""
    activation: Literal["none", "sigmoid", "tanh"] = "none"
    """What is applied to the answer of the network."""
    low: float = 0.0
    """Value shown black."""
    high: float = 1.0
    """Value shown white."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "shape", tuple(int(side) for side in self.shape))
        for name, choices in {
            "recipe": ("gan", "diffusion", "latent-diffusion"),
            "noise": ("normal", "uniform"),
            "activation": ("none", "sigmoid", "tanh"),
        }.items():
            if getattr(self, name) not in choices:
                raise SettingsError(f"No such {name}", got=getattr(self, name), possible=", ".join(choices))
        if not self.high > self.low or self.steps < 1 or self.scale_factor == 0:
            raise SettingsError("high must be above low, steps above 0, and scale_factor not 0", got=self)

    @property
    def missing(self) -> str:
        """Return what keeps this generator from use, or nothing."""
        return super().missing or ("" if self.shape else "the setting `shape` must tell the shape of the noise")

    def classes_of(self, labels: list[str]) -> dict[str, str]:
        """Return the model's class of each label.

        Raises:
            SettingsError: a label has none, or the model cannot tell classes apart.
        """
        classes = super().classes_of(labels)
        if self.conditional:
            for chosen in classes.values():
                numbered(chosen, self.name)
        elif len(set(classes.values())) > 1 and "{label}" not in self.model:
            raise SettingsError(
                "An unconditional model draws one class",
                got=", ".join(classes),
                possible="`conditional = true`, or a folder for each class with {label} in `model`",
            )
        return classes

    def checked(self, folder: Path) -> Origin:
        """Return what the bundle's metadata say."""
        for name in (self.config, self.weights):
            if not (folder / name).is_file():
                raise InputError(f"{folder} is no bundle with these settings", got=f"no file {name}")
        if self.weights.endswith(".ts") and not self.runs_its_code:
            raise SettingsError(
                f"{folder / self.weights} is a program, and loading it runs its code",
                possible="Set `runs_its_code = true` if you trust whoever made it",
            )
        try:
            told = json.loads((folder / "configs" / "metadata.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            told = {}
        told = told if isinstance(told, dict) else {}
        source = str(told.get("data_source", "") or UNKNOWN)
        return Origin(
            model=str(folder),
            version=str(told.get("version", UNKNOWN)),
            licence=str(told.get("license", UNKNOWN)),
            trained_on=source,
            note=str(told.get("task", "")),
        )

    def loaded(self, folder: Path, compute: Compute) -> OneModel:
        """Return what draws with the bundle."""
        from monai.networks import nets, schedulers

        config = configuration(folder / self.config, self.values)
        network = self._network(config, folder, nets).to(compute.device)
        if self.recipe == "gan":
            return Drawing(self, compute, network, None, None)
        scheduler = made(config, self.scheduler, schedulers, schedulers.Scheduler)
        if not isinstance(scheduler, schedulers.DDPMScheduler | schedulers.DDIMScheduler | schedulers.RFlowScheduler):
            raise InputError(
                "This scheduler is not allowed", got=type(scheduler).__name__, possible="DDPM, DDIM, RFlow"
            )
        decoder = None
        if self.recipe == "latent-diffusion":
            autoencoder = filled(made(config, self.autoencoder, nets, nn.Module), folder / self.autoencoder_weights)
            decoder = autoencoder.to(compute.device)
        return Drawing(self, compute, network, scheduler, decoder)

    def _network(self, config: dict[str, Any], folder: Path, nets: Any) -> nn.Module:
        path = folder / self.weights
        if path.suffix != ".ts":
            return filled(made(config, self.network, nets, nn.Module), path)
        try:
            network: nn.Module = torch.jit.load(str(path), map_location="cpu")  # type: ignore[no-untyped-call]
        except (RuntimeError, ValueError) as error:
            raise InputError(f"{path} is no TorchScript file", got=str(error).splitlines()[0]) from None
        return network.eval()


@dataclass
class Drawing:
    """A loaded bundle that draws."""

    told: MonaiBundle
    compute: Compute
    network: nn.Module
    scheduler: Any
    decoder: nn.Module | None

    def __call__(self, randomness: list[torch.Generator], classes: Sequence[str]) -> NDArray[np.float32]:
        """Return pictures in [0, 1], (n, height, width)."""
        told, device = self.told, self.compute.device
        draw = torch.rand if told.noise == "uniform" else torch.randn
        x = torch.stack([draw(told.shape, generator=source) for source in randomness]).to(device)
        given = {}
        if told.conditional:
            given["class_labels"] = torch.tensor([numbered(chosen, told.name) for chosen in classes], device=device)
        try:
            x = self.network(x, **given) if self.scheduler is None else self._refined(x, given, randomness)
            if self.decoder is not None:
                x = self.decoder.decode_stage_2_outputs(x / told.scale_factor)  # type: ignore[operator]
        except (RuntimeError, ValueError, TypeError) as error:
            raise InputError(
                f"The bundle does not draw with these settings: {told.recipe} of noise {told.shape}",
                got=f"{type(error).__name__}: {error}"[:300],
            ) from None
        return self._shown(x)

    def _refined(self, x: Tensor, given: dict[str, Tensor], randomness: list[torch.Generator]) -> Tensor:
        """Return noise refined step by step; what a step draws comes from each picture's own source."""
        flow = hasattr(self.scheduler, "use_timestep_transform")  # rectified flow, without noise on the way
        extent = {"input_img_size_numel": math.prod(x.shape[2:])} if flow else {}
        self.scheduler.set_timesteps(self.told.steps, **extent)
        times = self.scheduler.timesteps
        for place, time in enumerate(times):
            answer = self.network(x, timesteps=time.to(x.device).expand(len(x)), **given)
            rows = []
            for i, source in enumerate(randomness):
                if flow:
                    after = float(times[place + 1]) if place + 1 < len(times) else 0.0
                    extra: dict[str, Any] = {"next_timestep": after}
                else:
                    extra = {"generator": source}
                rows.append(self.scheduler.step(answer[i : i + 1], time, x[i : i + 1], **extra)[0])
            x = torch.cat(rows)
        return x

    def _shown(self, x: Any) -> NDArray[np.float32]:
        """Return the network's answer as grey values."""
        told = self.told
        if not isinstance(x, Tensor) or x.ndim != 4 or x.shape[1] not in (1, 3):
            shape = tuple(x.shape) if isinstance(x, Tensor) else type(x).__name__
            raise InputError("The bundle draws no pictures", got=shape, possible="(n, 1 or 3, height, width)")
        if told.activation != "none":
            x = getattr(torch, told.activation)(x)
        grey = ((x.mean(dim=1) - told.low) / (told.high - told.low)).clamp(0, 1)
        return np.asarray(grey.float().cpu().numpy())
