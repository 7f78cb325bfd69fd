"""On clean simulated chests no rule of the audit may fail in more than 5 of 100 repetitions."""

from collections import Counter

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


def failing(seed: int) -> list[str]:
    """Return the rules that fail on two sets of clean chests: hospitals, labels and patients are independent."""
    made = phantoms(2 * PATIENTS, seed)
    first, second = (
        made.take(range(start, start + PATIENTS)).with_columns(view="PA", split=split)
        for start, split in ((0, "train"), (PATIENTS, "test"))
    )
    chests = subject(_named(first, "first"), _named(second, "second"), positive=("disease",))
    rng = np.random.default_rng(seed)
    names = [name for name in registry.names("probes") if name not in BY_NATURE]
    findings = [f for name in names for f in registry.load("probes", name)().measure(chests, rng).findings]
    return [o.rule for o in judge_audit(findings, read_rules("audit")).outcomes if o.outcome == "fails"]


def _named(images, name):
    return type(images)(name, images.table, images.store)


@pytest.mark.slow
def test_clean_phantoms_fail_no_rule_more_often_than_5_times_in_100():
    with processes(cores()) as pool:
        failed = list(pool.map(failing, range(1000, 1000 + REPETITIONS)))
    counts = Counter(rule for rules in failed for rule in set(rules))
    assert not {rule: count for rule, count in counts.items() if count > 0.05 * REPETITIONS}, counts
