"""The order in which cases come tells nothing of their arm, over many seeds, readers and hidden repeats."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from radassay.reading.pack import pack
from radassay.reading.plan import ReadingPlan

SEEDS = 150
PLAN = ReadingPlan(questions=("realness",), cases=10, repeats=0.3, catch=3, training=0, readers=16, labels=("disease",))
MOST = 4.0
"""Standard errors: a fair order passes it in about one of 16,000 figures."""


class Orders:
    """The orders of many studies of the same sets, each drawn from a seed of its own."""

    def __init__(self, chests) -> None:
        self.studies = []
        for seed in range(SEEDS):
            packed = pack(replace(PLAN, seed=seed), *chests)
            synthetic = {item.id: packed.key.arm(item) == "synthetic" for item in packed.key.items}
            self.studies.append((packed.study["orders"], {i.id: i for i in packed.key.items}, synthetic))

    def figures(self, change=lambda order, synthetic: order):
        """Return, by what might tell the arm, one figure a study, (SEEDS,), whose mean over fair studies is 0.

        Readers of one study see the same cases, so a study is the unit, not a reader.
        """
        found = [self._of(study, change) for study in self.studies]
        return {name: np.array([one[name] for one in found]) for name in found[0]}

    @staticmethod
    def _of(study, change):
        orders, items, synthetic = study
        parts: dict[str, list[float]] = {}
        for order in orders.values():
            order = change(order, synthetic)
            place = {name: n for n, name in enumerate(order)}
            cases = [name for name in order if items[name].role == "case"]
            arm = np.array([synthetic[name] for name in cases])
            half = len(cases) // 2
            for third, some in zip(("first", "middle", "last"), np.array_split(arm, 3), strict=True):
                parts.setdefault(f"share of synthetic in the {third} third", []).append(some.mean() - 0.5)
            for rank in (0, 1, len(cases) - 1):
                parts.setdefault(f"synthetic at rank {rank}", []).append(arm[rank] - 0.5)
            # A random order of n and n changes its arm n times in the mean.
            parts.setdefault("changes of the arm", []).append(np.count_nonzero(np.diff(arm)) - half)
            ranks = np.arange(len(arm))
            parts.setdefault("rank by arm", []).append(ranks[arm].mean() - ranks[~arm].mean())
            again = [name for name in order if items[name].role == "repeat"]
            parts.setdefault("synthetic repeats", []).append(np.mean([synthetic[n] for n in again]) - 0.5)
            early = np.array([place[items[name].repeats] for name in again], dtype=float)
            late = np.array([place[name] for name in again], dtype=float)
            told = np.array([synthetic[name] for name in again])
            if 0 < told.sum() < len(told):
                for what, at in (("early", early), ("late", late), ("gap", late - early)):
                    parts.setdefault(f"repeats, {what}", []).append(at[told].mean() - at[~told].mean())
            else:
                for what in ("early", "late", "gap"):
                    parts.setdefault(f"repeats, {what}", []).append(0.0)
            neighbours = [order[place[name] - 1] for name in again]
            before = [synthetic[name] for name in neighbours if items[name].role == "case"]
            parts.setdefault("arm before a repeat", []).append(float(np.mean(before)) - 0.5 if before else 0.0)
        return {name: float(np.mean(values)) for name, values in parts.items()}


def off(values) -> float:
    """Return how many standard errors the mean over studies lies from 0."""
    return float(abs(values.mean()) / (values.std(ddof=1) / np.sqrt(len(values))))


@pytest.fixture(scope="module")
def orders(chests):
    return Orders(chests)


def test_no_place_and_no_neighbour_tells_the_arm(orders):
    found = {name: off(values) for name, values in orders.figures().items()}
    assert len(found) == 13
    assert {name: z for name, z in found.items() if z > MOST} == {}


def swapped(share, wanted):
    """Return a change of orders that puts some synthetic cases before the real one next to them, or after it."""
    rng = np.random.default_rng(0)

    def change(order, synthetic):
        order = list(order)
        for n in range(len(order) - 1):
            a, b = order[n], order[n + 1]
            if wanted(synthetic[a], synthetic[b]) and rng.random() < share:
                order[n], order[n + 1] = b, a
        return order

    return change


def test_small_faults_of_the_order_are_seen(orders):
    sooner = orders.figures(swapped(0.6, lambda a, b: b and not a))
    assert off(sooner["rank by arm"]) > MOST

    def grouped(order, synthetic):
        cut = len(order) // 4
        return [*sorted(order[:cut], key=synthetic.get), *order[cut:]]

    assert off(orders.figures(grouped)["changes of the arm"]) > MOST
    assert off(orders.figures(grouped)["synthetic at rank 0"]) > MOST


def test_repeats_come_in_the_last_third_and_their_cases_in_the_first(orders):
    """Late enough to be forgotten, and for either arm alike, so that a repeat that is noticed tells nothing else."""
    for told, items, synthetic in orders.studies:
        for order in told.values():
            third = -(-len(order) // 3)
            place = {name: n for n, name in enumerate(order)}
            repeats = [name for name in order if items[name].role == "repeat"]
            assert len(repeats) == 6 and len(order) == 29
            assert all(place[name] >= len(order) - third for name in repeats)
            assert all(place[items[name].repeats] < third for name in repeats)
            assert all(synthetic[name] == synthetic[items[name].repeats] for name in repeats)


def test_every_reader_and_every_seed_has_an_order_of_its_own(orders):
    whole = [tuple(order) for told, _, _ in orders.studies for order in told.values()]
    assert len(set(whole)) == SEEDS * PLAN.readers


def test_the_letter_of_a_choice_tells_nothing(chests):
    served = pytest.importorskip("radassay.web.served")
    worklist = pytest.importorskip("radassay.web.worklist")
    plan = replace(PLAN, questions=("choice",), cases=6, readers=4, labels=(), alternatives=4)
    first = np.zeros(4)
    for seed in range(20):
        packed = pack(replace(plan, seed=seed), *chests)
        study = served.Study.model_validate(packed.study)
        real = {packed.key.real_of(item) for item in packed.key.items}
        for reader in study.orders:
            for item in study.blocks[0].items:
                shown = worklist.shown_images(study, reader, item)
                first[next(n for n, image in enumerate(shown) if image in real)] += 1
    expected = first.sum() / 4
    assert first.sum() == 20 * 4 * 16
    assert np.abs(first - expected).max() < MOST * np.sqrt(expected * 0.75)
