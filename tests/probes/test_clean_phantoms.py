"""On clean simulated chests no rule of the audit may fail in more than 5 of 100 repetitions."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from subjects import phantoms, subject

from radassay import registry
from radassay.checklists.audit import judge_audit
from radassay.checklists.rules import read_rules
from radassay.engine.processes import cores, processes

REPETITIONS = 100
PATIENTS = 60
BY_NATURE = {"card"}
"""Probes that ask what is known of a set, which does not vary."""
ALWAYS_ALIKE = {"rescaling"}
"""Probes that ask simulated lesions, the same in every repetition: asked once."""
FEWER = {"oddities": {"planted": 8}, "same-radiograph": {"planted": 8, "drawn": 1}}
"""Settings that make a probe cheaper and can raise no alarm."""


VARYING = sorted({*registry.names("probes")} - BY_NATURE - ALWAYS_ALIKE)


def failing(seed: int, names: Sequence[str] = VARYING) -> list[str]:
    """Return the rules that fail on two sets of clean chests: hospitals, labels and patients are independent."""
    made = phantoms(2 * PATIENTS, seed)
    halves = (made.take(range(start, start + PATIENTS)) for start in (0, PATIENTS))
    first, second = (half.with_columns(split=["train", "test"] * (PATIENTS // 2)) for half in halves)
    chests = subject(_named(first, "first"), _named(second, "second"), positive=("disease",))
    rng = np.random.default_rng(seed)
    asked = [registry.load("probes", name)(**FEWER.get(name, {})) for name in names]
    findings = [f for probe in asked for f in probe.measure(chests, rng).findings]
    return [o.rule for o in judge_audit(findings, read_rules("audit")).outcomes if o.outcome == "fails"]


def _named(images, name):
    return type(images)(name, images.table, images.store)


@pytest.mark.slow
def test_what_is_always_alike_fails_no_rule():
    assert not failing(1000, sorted(ALWAYS_ALIKE))


@pytest.mark.slow
def test_clean_phantoms_fail_no_rule_more_often_than_5_times_in_100():
    with processes(cores()) as pool:
        failed = list(pool.map(failing, range(1000, 1000 + REPETITIONS)))
    counts = Counter(rule for rules in failed for rule in set(rules))
    assert not {rule: count for rule, count in counts.items() if count > 0.05 * REPETITIONS}, counts
