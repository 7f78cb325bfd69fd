"""A reviewer's script finds the numbers of a trial in its predictions, without this package."""

import ast
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from trial_samples import MeanDifference, sample, samples

from radassay.trials.plan import ARMS, TrialPlan
from radassay.trials.record import run_trial

SCRIPT = Path(__file__).parents[2] / "docs" / "recompute_trial.py"


@pytest.fixture(scope="module")
def trial(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trial")
    plan = TrialPlan(arms=tuple(ARMS), seeds=2, steps=1, resamples=1000)
    test = sample("test", 30, 3, per_patient=2)
    predictions, findings = run_trial(plan, MeanDifference(), *samples(test=test), "covid", folder)
    predictions.to_parquet(folder / "predictions.parquet", index=False)
    return folder / "predictions.parquet", findings


def test_it_is_short_and_imports_nothing_of_ours():
    text = SCRIPT.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 50
    found = {
        n.module if isinstance(n, ast.ImportFrom) else n.names[0].name
        for n in ast.walk(ast.parse(text))
        if isinstance(n, ast.Import | ast.ImportFrom)
    }
    assert {name.split(".")[0] for name in found} == {"sys", "pandas", "sklearn"}


def test_every_area_and_gain_is_recomputed(trial):
    path, findings = trial
    table = runpy.run_path(str(SCRIPT))["main"](path, 60)
    measured = {f.name: f for f in findings if f.name.startswith(("auc", "gain", "change"))}
    assert set(table.index) == set(measured)
    assert len(measured) == len(ARMS) + 8
    for name, f in measured.items():
        assert table.loc[name, "value"] == pytest.approx(f.value, abs=1e-12)
        if f.low is None:  # both arms rank alike in every resample
            assert table.loc[name, "low"] == table.loc[name, "high"]
        else:
            width = f.high - f.low
            assert table.loc[name, ["low", "high"]].tolist() == pytest.approx([f.low, f.high], abs=0.25 * width)


def test_it_runs_from_a_terminal(trial):
    done = subprocess.run([sys.executable, SCRIPT, trial[0], "2"], capture_output=True, text=True, check=True)
    assert "gain_over_controls" in done.stdout
