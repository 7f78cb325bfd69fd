"""A reviewer's script finds the numbers of a trial in its predictions, without this package."""

import ast
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from trial_samples import MeanDifference, sample, sets

from radassay.stats.exchange import exchange
from radassay.trials.plan import TrialPlan
from radassay.trials.trial import run_trial

DOCS = Path(__file__).parents[2] / "docs"
SCRIPT = DOCS / "recompute_trial.py"
SCRIPTS = ("recompute_trial", "recompute_endpoints", "recompute_exchange")


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trial")
    plan = TrialPlan(doses=(0.5, 1.0), seeds=2, steps=1, resamples=1000, external=("B",))
    test, outside = sample("test", 30, 3), sample("B", 30, 8)
    test.table["sex"] = ((["F"] * 4 + ["M"] * 4) * 8)[:60]
    given = sets(test=test, external={"B": outside})
    outcome = run_trial(plan, MeanDifference(), given, "covid", folder)
    outcome.predictions.to_parquet(folder / "predictions.parquet", index=False)
    found = {f.name + f.slice.removeprefix("all").replace("dose=", "@"): f for f in outcome.findings}
    return folder / "predictions.parquet", found


@pytest.fixture(scope="module")
def recompute():
    return runpy.run_path(str(SCRIPT))["main"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_it_is_short_and_imports_nothing_of_ours(name):
    text = (DOCS / f"{name}.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 50
    found = {
        n.module if isinstance(n, ast.ImportFrom) else n.names[0].name
        for n in ast.walk(ast.parse(text))
        if isinstance(n, ast.Import | ast.ImportFrom)
    }
    assert {name.split(".")[0] for name in found} - {"sys", "math"} == {"pandas", "sklearn"}


def test_every_area_and_gain_is_recomputed(trial, recompute):
    path, found = trial
    table = recompute(path, 60)
    named = ("auc_real", "auc_synthetic", "gain_over", "gain_of", "change")
    measured = {n: f for n, f in found.items() if n.startswith(named)}
    assert set(table.index) == set(measured) and len(measured) > 20
    for name, f in measured.items():
        assert table.loc[name, "value"] == pytest.approx(f.value, abs=1e-12)
        if f.low is None:  # both arms rank alike in every resample
            assert table.loc[name, "low"] == table.loc[name, "high"]
        else:
            width = f.high - f.low
            assert table.loc[name, ["low", "high"]].tolist() == pytest.approx([f.low, f.high], abs=0.25 * width)


def test_so_are_those_of_another_hospital_and_of_a_part(trial, recompute):
    path, found = trial
    outside = recompute(path, 2, "external B")
    assert outside.loc["gain_over_controls", "value"] == pytest.approx(found["gain_externalsite=B"].value, abs=1e-12)
    women, gain = recompute(path, 2, "test", "sex", "F"), found["subgroup_gainsex=F"]
    control = gain.details["against"].replace("+", "_")
    assert women.loc["auc_real_synthetic", "value"] - women.loc[f"auc_{control}", "value"] == pytest.approx(gain.value)


def test_so_are_probabilities_and_decisions(trial):
    path, found = trial
    table = runpy.run_path(str(DOCS / "recompute_endpoints.py"))["main"](path)
    compared = 0
    for arm in table.index:
        slug = "synthetic_only" if arm == "synthetic" else arm.replace("+", "_")
        for endpoint in table.columns:
            measured = found[f"{endpoint}_{slug}"]
            if measured.value is not None:  # the classes are not separated
                assert table.loc[arm, endpoint] == pytest.approx(measured.value, abs=1e-6)
                compared += 1
    assert compared > 15


def test_so_is_the_exchange_rate_of_a_trial(trial):
    path, found = trial
    worth = runpy.run_path(str(DOCS / "recompute_exchange.py"))["main"]
    rates = [f for n, f in found.items() if n.startswith("exchange_patients")]
    assert len(rates) >= 3
    for finding in rates:
        told = finding.details
        # which of the two the curve goes through is decided on validation images
        mine = [worth(path, told["base"], told["arm"], curve) for curve in ("real", "real+classical")]
        wanted = finding.value if finding.value is not None else told["seen"][told["beyond"] == "above"]
        assert min(abs(m - wanted) for m in mine) < 0.01


def test_so_is_an_exchange_rate_within_the_curve(tmp_path):
    rng = np.random.default_rng(4)
    strength = {"real n=20": 0.4, "real n=40": 0.8, "real": 1.1, "real+synthetic": 0.9, "real n=100": 1.15}
    labels, patients = np.arange(120) % 2 == 0, np.array([f"p{i // 3}" for i in range(120)])
    shared = rng.normal(size=120)
    scores = {a: shared + by * labels + rng.normal(scale=0.4, size=(3, 120)) for a, by in strength.items()}
    curve = np.stack([scores[a] for a in ("real n=20", "real n=40", "real", "real n=100")])
    wanted = exchange(np.array([20, 40, 80, 100]), curve, scores["real+synthetic"], labels, patients, base=80)
    about = {"fold": "test", "image": np.arange(120), "label": labels, "patient": patients}
    rows = [
        pd.DataFrame({"arm": a, "seed": k, "score": s, **about}) for a, t in scores.items() for k, s in enumerate(t)
    ]
    pd.concat(rows).to_parquet(tmp_path / "predictions.parquet")
    worth = runpy.run_path(str(DOCS / "recompute_exchange.py"))["main"]
    assert worth(tmp_path / "predictions.parquet", 80, curve="real") == pytest.approx(wanted.patients, abs=0.01)


def test_it_runs_from_a_terminal(trial):
    done = subprocess.run([sys.executable, SCRIPT, trial[0], "2"], capture_output=True, text=True, check=True)
    assert "gain_over_controls" in done.stdout
