"""The leak test names what tells the arms apart, stays silent where nothing does, and the way out works."""

import numpy as np
import pytest

from radassay.errors import RefusedError
from radassay.reading.leak import leaks, require_blind, telling
from radassay.reading.pack import pack
from radassay.reading.pipeline import remedied
from radassay.reading.plan import ReadingPlan

PLAN = ReadingPlan(cases=20, readers=2, catch=0, training=0)


def found(packed, seed=0):
    return packed.leaks(np.random.default_rng(seed))


def pictures(packed):
    return np.stack(list(packed.pixels.stacks(packed.cases)))


def test_images_of_one_source_are_not_told_apart(chests):
    findings = found(pack(PLAN, *chests))
    assert telling(findings, 0.6) == []
    require_blind(findings, 0.6)


def test_a_mark_in_the_border_is_named_and_trimming_both_arms_is_the_way_out(marked):
    findings = found(pack(PLAN, *marked))
    tells = telling(findings, PLAN.leak_limit)
    assert "border" in tells
    with pytest.raises(RefusedError, match="border") as refused:
        require_blind(findings, PLAN.leak_limit)
    assert "--same-pipeline" in str(refused.value)
    require_blind(findings, PLAN.leak_limit, override="the mark is burnt in by the scanner of both")
    plan = remedied(PLAN, tells)
    assert plan.trim > 0 and plan.hash != PLAN.hash
    assert "border" not in telling(found(pack(plan, *marked)), PLAN.leak_limit)


def stacks(change, n=40, side=64):
    rng = np.random.default_rng(5)
    noise = rng.normal(0.5, 0.1, (2 * n, side, side))
    synthetic = np.arange(2 * n) % 2 == 1
    pictures = [change(p) if s else p for p, s in zip(noise, synthetic, strict=True)]
    pixels = np.rint(np.clip(pictures, 0, 1) * 65535).astype(np.uint16)
    return pixels, synthetic, np.array([f"P{i}" for i in range(2 * n)])


def halved(picture):
    small = picture.reshape(32, 2, 32, 2).mean(axis=(1, 3))
    return small.repeat(2, axis=0).repeat(2, axis=1)


def padded(picture):
    picture = picture.copy()
    picture[:6] = 0
    return picture


def blocks(picture):
    out = picture.copy()
    out[8::8] += 0.05
    return out


@pytest.mark.parametrize(
    ("change", "tell"),
    [(halved, "size"), (padded, "size"), (blocks, "compression"), (lambda p: p**1.2, "histogram")],
)
def test_each_trace_is_named(change, tell):
    assert tell in telling(leaks(*stacks(change), np.random.default_rng(0)), 0.6)


def test_few_patients_are_not_called_blind():
    pixels, synthetic, patients = stacks(lambda p: p, n=6)
    findings = leaks(pixels, synthetic, patients, np.random.default_rng(0))
    assert all(f.value is None and "too few" in f.reason for f in findings)


def test_equalising_gives_both_arms_one_histogram(chests):
    plan = ReadingPlan(cases=20, readers=2, catch=0, training=0, equalise=True)
    packed = pack(plan, *chests)
    means = pictures(packed).mean(axis=(1, 2, 3))
    plain = pictures(pack(PLAN, *chests)).mean(axis=(1, 2, 3))
    assert means.std() < 0.3 * plain.std()
