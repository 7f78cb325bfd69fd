"""A reviewer's script finds the numbers of a trial in its predictions, without this package."""

import ast
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from trial_samples import MeanDifference, sample, sets

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
    areas = table[~table.index.str.startswith("auprc")]
    assert set(areas.index) == set(measured) and len(measured) > 20
    for name, f in measured.items():
        assert table.loc[name, "value"] == pytest.approx(f.value, abs=1e-12)
        if f.low is None:  # both arms rank alike in every resample
            assert table.loc[name, "low"] == table.loc[name, "high"]
        else:
            width = f.high - f.low
            assert table.loc[name, ["low", "high"]].tolist() == pytest.approx([f.low, f.high], abs=0.25 * width)
    for arm, slug in (("real", "real"), ("real+synthetic", "real_synthetic")):
        assert table.loc[f"auprc of {arm}", "value"] == pytest.approx(found[f"auprc_{slug}"].value, abs=1e-12)


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


def test_so_is_the_exchange_rate(trial):
    path, found = trial
    exchange = runpy.run_path(str(DOCS / "recompute_exchange.py"))["main"]
    rates = {n: f for n, f in found.items() if n.startswith("exchange_patients")}
    worth = []
    for finding in rates.values():
        told = finding.details
        base, reserve = told["base"], told["seen"]
        mine = [exchange(path, base, told["arm"], curve) for curve in ("real", "real+classical")]
        # which of the two the curve goes through is decided on validation images
        wanted = finding.value if finding.value is not None else reserve[told["beyond"] == "above"]
        worth.append(min(abs(m - wanted) for m in mine))
    assert len(worth) >= 3
    assert any(f.value is not None for f in rates.values())
    assert max(worth) < 0.01


def test_it_runs_from_a_terminal(trial):
    done = subprocess.run([sys.executable, SCRIPT, trial[0], "2"], capture_output=True, text=True, check=True)
    assert "gain_over_controls" in done.stdout
