"""Two encoders look at one study, and each finds under its own name."""

import numpy as np
import pytest

from radassay.checks.fidelity import Fidelity
from radassay.contracts import Inputs
from radassay.errors import SettingsError
from radassay.evidence.run import Run
from radassay.workbench.assessing import held_against
from radassay.workbench.encoding import Eye, eyes
from radassay.workbench.path import run
from radassay.workbench.study import study_of

STUDY = {
    "name": "two eyes",
    "size": 32,
    "real": {"name": "chests", "positive": ["disease"], "simulated": {"patients": 60, "seed": 7}},
    "synthetic": {"simulated": {"patients": 40, "seed": 8}},
    "checks": {
        "names": ["fidelity", "integrity"],
        "encoder": "random-conv",
        "second": "random-conv",
        "second_settings": {"seed": 1},
        "controls": False,
    },
    "trial": {"run": False},
}


@pytest.fixture(scope="module")
def findings(tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "two"
    run(study_of(STUDY), out)
    return Run.open_sealed(out).findings()


def test_the_second_encoder_measures_what_depends_on_encoders_in_a_slice_of_its_own(findings):
    second = [f for f in findings if f.slice == "encoder=random-conv"]
    assert {f.check for f in second} == {"fidelity"}
    first = {f.name: f for f in findings if f.check == "fidelity" and f.slice == "all"}
    assert {f.name for f in second} == set(first)
    kid = next(f for f in second if f.name == "kid")
    assert kid.value != first["kid"].value
    assert kid.details["encoder"] != first["kid"].details["encoder"]


def test_one_encoder_twice_is_refused():
    with pytest.raises(SettingsError, match="same encoder twice"):
        study_of({**STUDY, "checks": {"encoder": "radiomics", "second": "radiomics"}})


def test_a_learnt_encoder_learns_from_the_training_images(tmp_path, monkeypatch):
    met = {}

    class Learner:
        name, paper, fingerprint = "learner", "none", "f" * 64

        def encode(self, pixels):
            return pixels.reshape(len(pixels), -1)

        def learn(self, pixels, patients, folder, *, seed, report):
            met.update(pixels=pixels, folder=folder)
            return self

    monkeypatch.setattr("radassay.workbench.encoding.plugin", lambda *_: Learner())
    sample = type("S", (), {"pixels": np.zeros((3, 8, 8), np.float32), "patients": np.array(["a", "b", "c"])})()
    seen = Eye("learner").sees(Inputs(sample, sample), study_of(STUDY), tmp_path)
    assert met["pixels"] is sample.pixels
    assert met["folder"] == tmp_path / "learner"
    assert seen.encoder == "learner ffffffffffff"


def test_without_a_second_there_is_one():
    study = study_of({**STUDY, "checks": {"second": ""}})
    assert [eye.second for eye in eyes(study)] == [False]


def test_a_second_encoder_gets_every_floor_and_the_doses_that_rules_name():
    doses = held_against([Fidelity()], "local").doses
    assert set(doses) == {f"fidelity.{measure}" for measure in Fidelity.watched}
    assert doses["fidelity.kid"] == {"blur": (1.0,)}
    assert doses["fidelity.frechet"] == {}
