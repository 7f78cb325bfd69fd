"""Two encoders look at one study, and each finds under its own name."""

from dataclasses import dataclass

import numpy as np
import pytest

from radassay.checks.fidelity import Fidelity
from radassay.contracts.check import Inputs
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


class Learner:
    name, paper, fingerprint = "learner", "none", "f" * 64

    def __init__(self):
        self.met, self.encoded = {}, 0

    def encode(self, pixels):
        self.encoded += len(pixels)
        return pixels.reshape(len(pixels), -1)

    def learn(self, pixels, patients, folder, *, seed, report):
        self.met.update(pixels=pixels, folder=folder)
        return self


@dataclass(frozen=True)
class Few:
    pixels: np.ndarray
    patients: np.ndarray
    fingerprint: str


def few(seed):
    pixels = np.random.default_rng(seed).random((3, 8, 8), dtype=np.float32)
    return Few(pixels, np.array(["a", "b", "c"]), f"{seed}")


def test_a_learnt_encoder_learns_from_the_training_images(tmp_path, monkeypatch):
    learner, training, held_out = Learner(), few(1), few(2)
    monkeypatch.setattr("radassay.workbench.encoding.plugin", lambda *_: learner)
    seen = Eye("learner").sees(Inputs(training, held_out), study_of(STUDY), tmp_path)
    assert learner.met["pixels"] is training.pixels
    assert learner.met["folder"] == tmp_path / "learner"
    assert seen.encoder == "learner ffffffffffff"


def test_features_of_the_study_are_kept_and_those_of_other_pictures_are_not(tmp_path, monkeypatch):
    learner = Learner()
    monkeypatch.setattr("radassay.workbench.encoding.plugin", lambda *_: learner)
    for _ in range(2):
        seen = Eye("learner").sees(Inputs(few(1), few(2)), study_of(STUDY), tmp_path)
    assert learner.encoded == 6
    seen.features(few(3))
    Eye("learner").sees(Inputs(few(3), few(2)), study_of(STUDY), tmp_path)
    assert learner.encoded == 12


def test_without_a_second_there_is_one():
    study = study_of({**STUDY, "checks": {"second": ""}})
    assert [eye.second for eye in eyes(study)] == [False]


def test_a_second_encoder_gets_every_floor_and_the_doses_that_rules_name():
    doses = held_against([Fidelity()], "local").doses
    assert set(doses) == {f"fidelity.{measure}" for measure in Fidelity.watched}
    assert doses["fidelity.kid"] == {"blur": (1.0,)}
    assert doses["fidelity.frechet"] == {}
