"""Every family learns simulated chests: near to other patients, not one chest for all, and of the class asked for."""

from dataclasses import fields

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from radassay import registry
from radassay.anatomy.lungs import find_lungs
from radassay.classifiers.arithmetic import arithmetic
from radassay.classifiers.small_cnn import SmallCNN
from radassay.classifiers.training import Shared, Trainings
from radassay.contracts.classifier import Job
from radassay.encoders.random_conv import RandomConv
from radassay.generators.family import Family
from radassay.generators.watching import spread, thumbnails
from radassay.images.phantom import Cohort
from radassay.stats.auc import auc
from radassay.stats.frechet import frechet_distance

pytestmark = pytest.mark.xdist_group("families")  # one process, so that the judges learn once

SETTINGS = {
    # Without augmentation it drew one chest a class: 0.23 of the real diversity after 14,000 images.
    "acgan": {"images_seen": 8_000, "augment_shift": 0.06, "augment_intensity": 0.1},
    "cgan": {"images_seen": 14_000},  # half as many leave a checkerboard over the chests
    "dcgan": {"images_seen": 8_000},
    "edm": {"images_seen": 4_000},
    "latent-diffusion": {"images_seen": 8_000},
    "pggan": {"images_seen": 10_000},
    "pix2pix": {"images_seen": 4_000},
    "projection-gan": {"images_seen": 6_000},
    "r3gan": {"images_seen": 9_000},
    "stylegan2-ada": {"images_seen": 6_000},
    "wgan-gp": {"images_seen": 4_000},
}
"""Trainings of half a minute to two of one processor core; all else as a user gets it."""
ELSEWHERE = {
    "cyclegan": "test_translated_phantoms.py measures what it paints against the truth",
}
"""Families whose own test on phantoms asks for more."""
FAMILIES = [n for n in registry.names("generators") if issubclass(registry.load("generators", n), Family)]

# Seeds 0 and 1, measured: 0.12 to 0.47 of the mean chest's distance, 0.003 to 0.07 of one step's, 0.32 to 1.01 of the
# real diversity.
OF_MEAN_CHEST = 0.55
"""Distance of drawn chests, at most, as a share of that of each class's mean chest: all that a blurred guess gets."""
OF_ONE_STEP = 0.15
"""The same as a share of that of the family after a single step."""
DIVERSITY = 0.3
"""Mean distance between drawn chests of a class, at least, as a share of that between real ones."""
HEEDED = {"acgan": 0.75} | dict.fromkeys(("edm", "latent-diffusion", "projection-gan"), 0.6)
"""Area under the ROC curve at which judges of real chests tell drawn ones by the class asked for, at least; 300 chests
drawn without heed of the class pass 0.6 in one training of seven hundred. The other families heed so faint a class in
some trainings and not in others, see decision 0017; all heed a plain one, see tests/contracts."""


class Yardstick:
    """Held-out chests, and what is nearer to them or further from them than what a generator draws."""

    def __init__(self):
        self.pixels, self.labels = chests(7)
        self.held, self.wanted = chests(8)
        self.features = RandomConv().encode(self.held)

    def distance(self, drawn):
        """Fréchet distance to the held-out chests in random convolutional features."""
        return frechet_distance(self.features, RandomConv().encode(drawn))

    def diversity(self, drawn):
        """Mean distance between thumbnails of a class, as a share of that between held-out chests."""
        numbers = (self.wanted == "disease").astype(int)
        return spread(thumbnails(drawn), numbers) / spread(thumbnails(self.held), numbers)

    def mean_chests(self):
        means = {label: self.pixels[self.labels == label].mean(axis=0) for label in set(self.labels)}
        return np.stack([means[label] for label in self.wanted])

    def shares(self, drawn, once):
        """Return distance as a share of the mean chest's and of one step's, and diversity as one of the real one."""
        distance = self.distance(drawn)
        return distance / self.distance(self.mean_chests()), distance / self.distance(once), self.diversity(drawn)

    def met(self, drawn, once):
        """Return which of the three demands these pictures meet, given what the family draws after a single step."""
        of_mean_chest, of_one_step, diversity = self.shares(drawn, once)
        return of_mean_chest <= OF_MEAN_CHEST, of_one_step <= OF_ONE_STEP, diversity >= DIVERSITY


def chests(seed, patients=300):
    pictures = list(Cohort(patients=patients, images_per_patient=1, size=32, seed=seed).pictures())
    return np.stack([p.pixels() for p in pictures]).astype(np.float32) / 255, np.array(
        [p.patient.label for p in pictures]
    )


@pytest.fixture(scope="module")
def yardstick():
    return Yardstick()


def made(name, **changes):
    family = registry.load("generators", name)
    quiet = {"threads": 1, "device": "cpu", "precision": "float32", "checkpoint_every": 10**9, "grid_every": 10**9}
    assert set(quiet) <= {f.name for f in fields(family)}
    return family(**{**quiet, **SETTINGS[name], **changes})


def learned(yardstick, generator, folder, seed):
    generator.fit(yardstick.pixels, yardstick.labels, folder, seed=seed)
    return generator.sample(yardstick.wanted, folder, seed=1)


class Judge:
    """Three classifiers that have learned from real chests alone; together they say how ill a chest looks."""

    def __init__(self):
        pixels, labels = chests(11, patients=1_500)
        ill, shown = labels == "disease", np.arange(1_300)
        jobs = [Job(shown, ill[shown], True, seed) for seed in range(3)]
        chosen_by = (pixels[1_300:], ill[1_300:])
        with arithmetic("cpu", "float32") as how:
            classifier = SmallCNN(device="cpu", precision="float32")
            trainings = Trainings(classifier, Shared(pixels, shown, chosen_by, pixels[:1], how), jobs, 600, 1)
            trainings.run()
        self.passes = trainings.passes

    def scores(self, pictures):
        """Return the mean logit of disease of pictures (n, side, side)."""
        x = torch.from_numpy(pictures)[:, None]
        with torch.inference_mode():
            return np.mean([one.networks.judge((x - one.mean) / one.sd)[:, 0].numpy() for one in self.passes], axis=0)


@pytest.fixture(scope="module")
def judge():
    return Judge()


def test_every_family_is_tested_on_phantoms():
    assert sorted({**SETTINGS, **ELSEWHERE}) == sorted(FAMILIES)


@pytest.mark.slow
@pytest.mark.parametrize("name", SETTINGS)
def test_it_draws_many_chests_and_some_families_heed_a_faint_class(name, yardstick, judge, tmp_path):
    once = learned(yardstick, made(name, images_seen=made(name).batch_size), tmp_path / "once", 0)
    drawn = learned(yardstick, made(name), tmp_path / "whole", 0)
    assert yardstick.met(drawn, once) == (True, True, True), yardstick.shares(drawn, once)
    assert auc(judge.scores(drawn), yardstick.wanted == "disease") > HEEDED.get(name, 0)


@pytest.mark.slow
def test_the_judge_tells_the_class_of_real_chests_and_of_none_that_is_drawn_for_either(judge, yardstick):
    ill = yardstick.wanted == "disease"
    assert auc(judge.scores(yardstick.held), ill) > 0.9
    assert auc(judge.scores(chests(9)[0]), ill) < 0.6


@pytest.mark.slow
def test_chests_of_other_patients_meet_the_demands_and_blurs_repeats_and_noise_do_not(yardstick):
    noise = np.random.default_rng(0)
    grain = noise.random(yardstick.held.shape, dtype=np.float32)
    mean = yardstick.mean_chests()
    assert yardstick.met(chests(9)[0], grain) == (True, True, True)
    assert yardstick.distance(chests(9)[0]) < 0.03
    grainy = np.clip(mean + 0.1 * noise.standard_normal(mean.shape, dtype=np.float32), 0, 1)
    for counterfeit in (grain, mean, grainy, gaussian_filter(yardstick.pixels, (0, 1, 1))):
        assert not yardstick.met(counterfeit, grain)[0]
    one = np.repeat(yardstick.pixels[:1], len(yardstick.wanted), axis=0)
    assert not yardstick.met(one, grain)[2]


@pytest.mark.slow
def test_pix2pix_paints_into_the_lungs_of_patients_it_has_not_seen(yardstick, tmp_path):
    held = yardstick.held[yardstick.wanted == "healthy"]
    pix2pix = made("pix2pix")
    pix2pix.fit(yardstick.pixels, yardstick.labels, tmp_path, seed=0)
    painted = pix2pix.translate(held, np.array(["healthy"] * len(held)), tmp_path, target="disease", seed=1)
    own = find_lungs(held)
    mean = find_lungs(yardstick.pixels.mean(axis=0)[None])
    # Measured: 0.979 and 0.981 against 0.898; another patient's 0.86.
    assert dice(find_lungs(painted), own) > 0.95 > 0.93 > dice(np.repeat(mean, len(own), axis=0), own)


def dice(one, other):
    return (2 * (one & other).sum(axis=(1, 2)) / (one.sum(axis=(1, 2)) + other.sum(axis=(1, 2)))).mean()
