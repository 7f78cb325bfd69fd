"""Trainings done together give the scores of trainings done singly."""

import ctypes
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from radassay.classifiers.arithmetic import arithmetic, multiplies_bfloat16
from radassay.classifiers.small_cnn import SmallCNN
from radassay.contracts.classifier import Job
from radassay.errors import InputError, SettingsError
from radassay.stats.auc import auc

TOLERANCE = 1e-6
"""Largest difference of scores after a few steps in float32: rounding differs between one pass and several, and
training magnifies it. In double precision `test_networks.py` asks for 1e-9."""


def chests(n, seed, size=24):
    rng = np.random.default_rng(seed)
    pixels = rng.random((n, size, size), dtype=np.float32) * 0.5
    targets = np.arange(n) % 3 == 0
    pixels[targets, 6:14, 6:14] += 0.12
    return pixels, targets


PIXELS, TARGETS = chests(60, 0)
VALIDATION, TEST = chests(20, 1), chests(40, 2)
ROWS = np.random.default_rng(3).permutation(60)
JOBS = [
    Job(np.arange(40), TARGETS[:40], False, 1),
    Job(np.arange(40), TARGETS[:40], True, 1),
    Job(ROWS[:30], TARGETS[ROWS[:30]], True, 7),
    Job(np.array([0, 1, 2, 3, 4, 0, 0]), TARGETS[[0, 1, 2, 3, 4, 0, 0]], False, 7),
    Job(np.arange(5), np.ones(5, dtype=bool), False, 1),
    Job(np.arange(40), TARGETS[:40], True, 1, core=30, balanced=True),
]


def model(**changes):
    return SmallCNN(**{"widths": (4, 6), "batch": 8, "precision": "float32", "device": "cpu", **changes})


def singly(classifier, jobs=JOBS, steps=6):
    own = [replace(job, rows=np.arange(len(job.rows))) for job in jobs]
    return [
        next(classifier.fit_scores(PIXELS[job.rows], [alone], VALIDATION, TEST[0], steps=steps))
        for job, alone in zip(jobs, own, strict=True)
    ]


def jointly(classifier, jobs=JOBS, steps=6, pixels=PIXELS):
    return list(classifier.fit_scores(pixels, jobs, VALIDATION, TEST[0], steps=steps))


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_jobs_on_shared_images_are_trainings_alone_to_the_byte(precision):
    classifier = model(precision=precision)
    for one, other in zip(singly(classifier), jointly(classifier), strict=True):
        assert one.tobytes() == other.tobytes()


@pytest.mark.parametrize("together", [2, 5, 9])
def test_several_in_one_pass_are_trainings_alone_up_to_rounding(together):
    alone, beside = singly(model()), jointly(model(together=together))
    np.testing.assert_allclose(beside, alone, rtol=0, atol=TOLERANCE)
    differences = [np.abs(a - b).max() for i, a in enumerate(alone) for b in alone[:i]]
    assert min(differences) > 5 * TOLERANCE, "the jobs are too alike to notice a mix-up"


def test_the_same_jobs_give_the_same_scores():
    assert np.array_equal(jointly(model(together=3)), jointly(model(together=3)))


def test_a_read_only_memory_map_will_do(tmp_path, recwarn):
    np.save(tmp_path / "pixels.npy", PIXELS)
    shared = np.load(tmp_path / "pixels.npy", mmap_mode="r")
    assert np.array_equal(jointly(model(), pixels=shared), singly(model()))
    assert np.array_equal(shared, PIXELS)
    assert not [w for w in recwarn if "writable" in str(w.message)]


def test_process_settings_are_left_alone_between_jobs():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        scores = model().fit_scores(PIXELS, JOBS, VALIDATION, TEST[0], steps=2)
        next(scores)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.skipif(sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"), reason="no glibc")
def test_memory_is_kept_from_step_to_step():
    import resource

    def faults():
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(20):
            torch.ones(8 << 20, dtype=torch.uint8).add_(1)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    with arithmetic("cpu", "float32"):
        faults()
        assert faults() < 2048, "20 blocks of 2,048 pages were given back and got again"


@pytest.mark.parametrize("rows", [[], [0, 60], [-1, 2]])
def test_rows_that_are_not_there_are_refused(rows):
    job = Job(np.array(rows, dtype=int), np.zeros(len(rows), dtype=bool), False, 0)
    with pytest.raises(InputError):
        jointly(model(), [job])


@pytest.mark.parametrize("settings", [{"together": -1}, {"device": "tpu"}, {"precision": "float16"}])
def test_settings_that_do_not_exist_are_refused(settings):
    with pytest.raises(SettingsError):
        model(**settings)


def test_cuda_asked_for_in_vain_is_a_settings_error():
    if torch.cuda.is_available():
        pytest.skip("a CUDA device answers")
    with pytest.raises(SettingsError, match="No CUDA device"):
        jointly(model(device="cuda"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device answers: passes on a card are NOT tested")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_many_trainings_share_one_card(precision):
    jobs = [Job(np.arange(60), TARGETS, seed % 2 == 0, seed) for seed in range(40)]
    on_card = jointly(model(device="cuda", precision=precision), jobs, steps=60)
    assert np.array_equal(on_card, jointly(model(device="cuda", precision=precision), jobs, steps=60))
    assert np.mean([auc(scores, TEST[1]) for scores in on_card]) > 0.9


@pytest.mark.slow
@pytest.mark.skipif(not multiplies_bfloat16(), reason="this processor does not multiply bfloat16")
def test_bfloat16_costs_no_area():
    """Of 16 seeds, the mean AUC in bfloat16 is that in float32 within three standard errors of the difference."""
    (pixels, targets), validation, (test, truth) = (chests(n, s, 32) for n, s in ((90, 4), (60, 5), (300, 6)))
    jobs = [Job(np.arange(90), targets, True, seed) for seed in range(16)]
    areas = []
    for precision in ("float32", "bfloat16"):
        scores = SmallCNN(precision=precision, widths=(8, 16)).fit_scores(pixels, jobs, validation, test, steps=60)
        areas.append([auc(s, truth) for s in scores])
    differences = np.subtract(*areas)
    assert 0.6 < np.mean(areas[0]) < 0.999
    assert abs(differences.mean()) < 3 * max(differences.std(ddof=1), 0.002) / 4
