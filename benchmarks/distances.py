"""Distances between two samples of features, ours with intervals against the peers' bare numbers.

Each side runs in a fresh process on the same files, all on one thread; processor seconds and peak memory are counted
from after the libraries are loaded. Peers: scipy's matrix root as pytorch-fid has it, torch-fidelity, torchmetrics,
prdc, AuthPct by dgm-eval's formula, fld (`--fld`, a checkout of marcojira/fld). A peer that is not installed is left
out and named. torch-fidelity and pytorch-fid want torchvision for their networks, which have no part here, and are
installed with `pip install --no-deps torch-fidelity pytorch-fid`.

    python benchmarks/distances.py [--n 10000] [--d 2048] [--only frechet,kid] [--threads 1] [--fld CHECKOUT]
"""

from __future__ import annotations

import argparse
import importlib.abc
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np

MIB = 2**20
Values = dict[str, float]


def features(folder: Path, n: int, d: int) -> None:
    """Write real, generated and held-out features: skewed, correlated, far from the origin, as a network's are."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(d // 8, d)).astype(np.float32) / (d // 8) ** 0.5
    for name, shift, noise in (("real", 0.0, 0.6), ("fake", 0.05, 0.7), ("held_out", 0.0, 0.6)):
        parts = []
        for start in range(0, n, 2000):
            rows = min(2000, n - start)
            core = rng.standard_normal((rows, d // 8), dtype=np.float32) * np.linspace(2, 0.2, d // 8, dtype=np.float32)
            x = core @ mixing + noise * rng.standard_normal((rows, d), dtype=np.float32) + shift
            parts.append(np.logaddexp(0, x).astype(np.float32))
        np.save(folder / f"{name}.npy", np.concatenate(parts))


def load(folder: Path, *names: str) -> list[np.ndarray]:
    """Return the features by name."""
    return [np.load(folder / f"{name}.npy") for name in names]


def units(x: np.ndarray) -> np.ndarray:
    """Return a patient for each row."""
    return np.arange(len(x)).astype(str)


def ours_frechet(folder: Path) -> Values:
    """The plain distance."""
    from radassay.stats.frechet import frechet_distance

    return {"fid": frechet_distance(*load(folder, "real", "fake"))}


def ours_frechet_interval(folder: Path) -> Values:
    """The distance without its bias, with its interval."""
    return _frechet_interval(*load(folder, "real", "fake"))


def _frechet_interval(x: np.ndarray, y: np.ndarray) -> Values:
    from radassay.stats.frechet import frechet

    found = frechet(x, y, units(x), units(y))
    return {"fid": found.plain, "unbiased": found.value, "error": found.error or np.nan}


def ours_kid(folder: Path) -> Values:
    """All pairs, with the standard error."""
    from radassay.stats.mmd import kid

    x, y = load(folder, "real", "fake")
    found = kid(x, y, units(x), units(y))
    return {"kid": found.value, "error": found.error}


def ours_prdc(folder: Path) -> Values:
    """The four measures without intervals."""
    from radassay.stats.balls import prdc

    return {name: measure.value for name, measure in prdc(*load(folder, "real", "fake"), 5).items()}


def ours_fused(folder: Path) -> Values:
    """Everything at once, every value with its interval."""
    from radassay.stats.comparison import compare

    x, y = load(folder, "real", "fake")
    found = compare(x, y, units(x), units(y))
    assert all(measure.interval() is not None for measure in found.measures.values())
    values = {"kid": found.kid.value, "kid error": found.kid.error}
    values |= {name: measure.value for name, measure in found.measures.items()}
    values |= {f"{name} error": measure.variance**0.5 for name, measure in found.measures.items()}
    del found
    return values | _frechet_interval(x, y)


def ours_likelihood(folder: Path) -> Values:
    """The generalisation gap."""
    from radassay.stats.likelihood import likelihood_gap

    return {"gap": likelihood_gap(*load(folder, "real", "held_out", "fake")).value}


def pytorch_fid(folder: Path) -> Values:
    """pytorch-fid: scipy's matrix root."""
    from pytorch_fid.fid_score import calculate_frechet_distance

    statistics = [v for x in load(folder, "real", "fake") for v in (np.mean(x, axis=0), np.cov(x, rowvar=False))]
    return {"fid": float(calculate_frechet_distance(*statistics))}


def torch_fidelity_fid(folder: Path) -> Values:
    """torch-fidelity."""
    import torch
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    sides = [fid_features_to_statistics(torch.from_numpy(x)) for x in load(folder, "real", "fake")]
    return {"fid": float(fid_statistics_to_metric(*sides, verbose=False)["frechet_inception_distance"])}


def torchmetrics_fid(folder: Path) -> Values:
    """torchmetrics, its sums as `update` makes them."""
    import torch
    from torchmetrics.image.fid import _compute_fid

    statistics = []
    for x in load(folder, "real", "fake"):
        total, outer = torch.zeros(x.shape[1]).double(), torch.zeros(x.shape[1], x.shape[1]).double()
        for start in range(0, len(x), 1000):
            part = torch.from_numpy(x[start : start + 1000]).double()
            total += part.sum(dim=0)
            outer += part.t().mm(part)
        mean = (total / len(x)).unsqueeze(0)
        statistics += [mean.squeeze(0), (outer - len(x) * mean.t().mm(mean)) / (len(x) - 1)]
    return {"fid": float(_compute_fid(*statistics))}


def torch_fidelity_kid(folder: Path) -> Values:
    """torch-fidelity, 100 random subsets of 1,000 (its default)."""
    import torch
    from torch_fidelity.metric_kid import kid_features_to_metric

    x, y = (torch.from_numpy(x) for x in load(folder, "real", "fake"))
    found = kid_features_to_metric(x, y, kid_subsets=100, kid_subset_size=1000, verbose=False)
    return {"kid of subsets": float(found["kernel_inception_distance_mean"])}


def prdc_package(folder: Path) -> Values:
    """prdc."""
    from prdc import compute_prdc

    return {name: float(v) for name, v in compute_prdc(*load(folder, "real", "fake"), 5).items()}


def authpct(folder: Path) -> Values:
    """AuthPct, the formula of dgm-eval: whole matrices of distances."""
    import torch

    real, fake = (torch.from_numpy(x) for x in load(folder, "real", "fake"))
    own = torch.cdist(real, real)
    own.fill_diagonal_(float("inf"))
    between = torch.cdist(real, fake).min(dim=0)
    return {"authenticity": float((own.min(dim=0).values[between.indices] < between.values).float().mean())}


def fld(folder: Path) -> Values:
    """Fld: Adam on the same mixture."""
    import torch
    from fld.metrics.FLD import FLD

    torch.manual_seed(0)
    sides = [torch.from_numpy(x) for x in load(folder, "real", "held_out", "fake")]
    return {"gap of fld": float(FLD(eval_feat="gap").compute_metric(*sides))}


SIDES: dict[str, tuple[Callable[[Path], Values], str, str]] = {
    "ours, distance alone": (ours_frechet, "frechet", "radassay"),
    "ours, unbiased, interval": (ours_frechet_interval, "frechet", "radassay"),
    "pytorch-fid": (pytorch_fid, "frechet", "pytorch_fid"),
    "torch-fidelity FID": (torch_fidelity_fid, "frechet", "torch_fidelity"),
    "torchmetrics FID": (torchmetrics_fid, "frechet", "torchmetrics"),
    "ours, KID, interval": (ours_kid, "kid", "radassay"),
    "torch-fidelity KID": (torch_fidelity_kid, "kid", "torch_fidelity"),
    "ours, PRDC": (ours_prdc, "prdc", "radassay"),
    "prdc": (prdc_package, "prdc", "prdc"),
    "AuthPct": (authpct, "authenticity", "torch"),
    "ours, all of these, intervals": (ours_fused, "fused", "radassay"),
    "ours, likelihood gap": (ours_likelihood, "likelihood", "radassay"),
    "fld": (fld, "likelihood", "fld"),
}
SAME = ("fid", "precision", "recall", "density", "coverage", "authenticity")
"""Values whose definition is the same on every side."""


def child(name: str, folder: Path) -> None:
    """Run one side and print what it took."""
    run, _, library = SIDES[name]
    if importlib.util.find_spec("torchvision") is None and library in ("pytorch_fid", "torch_fidelity", "torchmetrics"):
        sys.meta_path.append(_StandIn())
    if library == "radassay":
        import radassay.stats.comparison
        import radassay.stats.frechet
        import radassay.stats.likelihood  # noqa: F401
    else:
        import torch  # noqa: F401

        importlib.import_module("prdc" if library == "prdc" else "torch")
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    values = run(folder)
    cpu = time.process_time() - started
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / MIB
    print(json.dumps({"cpu": cpu, "mib": peak, "values": values}))


class _StandIn(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives empty modules where a peer imports torchvision, which it does not use here."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Return the place of torchvision and its parts."""
        return ModuleSpec(name, self, is_package=True) if name.split(".")[0] == "torchvision" else None

    def exec_module(self, module: types.ModuleType) -> None:
        """Fill the module with classes that are never made."""
        module.__file__ = __file__
        module.__getattr__ = _anything  # type: ignore[method-assign]


class _Anything(type):
    """A class that has every name asked of it."""

    def __getattr__(cls, name: str) -> type:
        return _anything(name)


def _anything(name: str) -> type:
    if name.startswith("__"):
        raise AttributeError(name)
    return _Anything(name, (), {})


def measured(name: str, folder: Path, options: argparse.Namespace) -> dict | None:
    """Return what a side took in a process of its own, or None where its library is missing."""
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": str(options.threads),
        "PYTHONPATH": os.pathsep.join([*sys.path[1:], options.fld]),
    }
    command = [sys.executable, __file__, "--child", name, "--folder", str(folder)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True)
    if ended.returncode:
        print(f"{name:32s} left out: {ended.stderr.strip().splitlines()[-1]}", flush=True)
        return None
    found = json.loads(ended.stdout.strip().splitlines()[-1])
    values = "  ".join(f"{key} {value:.6g}" for key, value in found["values"].items())
    print(f"{name:32s} {found['cpu']:7.1f} CPU-s {found['mib']:6.0f} MiB  {values}", flush=True)
    return found


def main() -> None:
    """Print every side, then the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--d", type=int, default=2048)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", default="frechet,kid,prdc,authenticity,fused,likelihood")
    parser.add_argument("--fld", default="", help="a checkout of marcojira/fld")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child, options.folder)
        return
    wanted = options.only.split(",")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        features(folder, options.n, options.d)
        print(f"{options.n} + {options.n} x {options.d} float32, {options.threads} thread(s)")
        taken = {side: measured(side, folder, options) for side, (_, kind, _) in SIDES.items() if kind in wanted}
    report({side: found for side, found in taken.items() if found})


def report(taken: dict[str, dict]) -> None:
    """Print ratios of the fastest peer over ours and how far values of one definition lie apart."""
    for kind in dict.fromkeys(kind for _, kind, _ in SIDES.values()):
        sides = {side: found for side, found in taken.items() if SIDES[side][1] == kind}
        peers = {side: found for side, found in sides.items() if SIDES[side][2] != "radassay"}
        if not peers:
            continue
        fastest = min(peers, key=lambda side: peers[side]["cpu"])
        for side in sides.keys() - peers.keys():
            times, memory = (peers[fastest][unit] / sides[side][unit] for unit in ("cpu", "mib"))
            print(f"{kind}: {fastest} takes {times:.1f} times the processor time of {side}, {memory:.1f} its memory")
    parts = [min((f["cpu"] for s, f in taken.items() if SIDES[s][1] == kind and SIDES[s][2] != "radassay"), default=0)
             for kind in ("frechet", "kid", "prdc", "authenticity")]  # fmt: skip
    if "ours, all of these, intervals" in taken and all(parts):
        ratio = sum(parts) / taken["ours, all of these, intervals"]["cpu"]
        print(f"all at once: the fastest peers together take {ratio:.1f} times the processor time of ours")
    for name in SAME:
        values = {side: found["values"][name] for side, found in taken.items() if name in found["values"]}
        if len(values) > 1:
            apart = (max(values.values()) - min(values.values())) / max(abs(v) for v in values.values())
            print(f"{name}: sides lie {apart:.1e} apart{'' if apart <= 1e-5 else ', NOT THE SAME'}")


if __name__ == "__main__":
    main()
