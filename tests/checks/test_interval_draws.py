"""The benchmark of intervals draws whole patients: one film of each as synthetic, one or two of each as real."""

from pathlib import Path

import numpy as np
import pytest

from radassay.images.phantom import Cohort, make_phantoms

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world") / "set"
    make_phantoms(folder, Cohort(patients=60, images_per_patient=2, size=64, seed=3))
    return folder


@pytest.mark.parametrize("case", ["same", "shifted"])
def test_each_side_holds_whole_patients_and_synthetic_images_are_of_as_many(folder, case, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import interval_coverage

    sizes = interval_coverage.Sizes(training=20, held_out=15, synthetic=25)
    inputs = interval_coverage.drawn(folder, case, sizes, "random-conv", np.random.default_rng(0))
    source = interval_coverage.people(folder) if case == "same" else interval_coverage.shifted(folder)
    of_image = dict(zip(source.images, source.patients, strict=True))
    for sample, patients in ((inputs.training, 20), (inputs.held_out, 15)):
        films = np.unique(sample.patients, return_counts=True)[1]
        assert len(films) == patients
        assert set(films.tolist()) == {1, 2}
    donors = [of_image[image] for image in inputs.synthetic.patients]
    assert len(donors) == len(set(donors)) == 25
    assert not set(donors) & {*inputs.training.patients, *inputs.held_out.patients}
