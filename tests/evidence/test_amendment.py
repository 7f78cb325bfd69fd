"""Amendments: what was changed in a plan, when and why, and what nobody may change."""

import pytest

from radassay.errors import SettingsError
from radassay.evidence.amendment import Amend, differences
from radassay.evidence.finding import Finding
from radassay.evidence.run import Run

PLAN = {"name": "a", "trial": {"margin": 0.02, "seeds": 5}, "real": {"source": "x"}}
CHANGED = {**PLAN, "trial": {"margin": 0.05, "seeds": 5}}
LEAVE = Amend("a statistician asked for it", ("trial",))


def test_a_change_is_kept_with_its_reason_and_what_was_recorded_by_then(tmp_path):
    run = Run.start(tmp_path, PLAN)
    run.record("one", [Finding(check="c", name="n", value=1.0)])
    run._lock.close()
    again = Run.start(tmp_path, CHANGED, amend=LEAVE)
    assert again.plan == CHANGED
    (told,) = again.amendments()
    assert told["changes"] == {"trial.margin": [0.02, 0.05]}
    assert (told["reason"], told["after_stages"]) == (LEAVE.reason, ["one"])
    assert told["at"].endswith("+00:00")
    again._lock.close()
    resumed = Run.start(tmp_path, CHANGED)
    assert len(resumed.amendments()) == 1
    resumed.seal()
    Run.open_sealed(tmp_path)


def test_without_leave_another_plan_is_refused(tmp_path):
    Run.start(tmp_path, PLAN)._lock.close()
    with pytest.raises(SettingsError, match="another plan"):
        Run.start(tmp_path, CHANGED)


@pytest.mark.parametrize(
    ("plan", "leave", "why"),
    [
        ({**PLAN, "real": {"source": "y"}}, LEAVE, "cannot change this part"),
        (CHANGED, Amend("  ", ("trial",)), "needs a reason"),
    ],
)
def test_what_may_not_change_does_not(tmp_path, plan, leave, why):
    Run.start(tmp_path, PLAN)._lock.close()
    with pytest.raises(SettingsError, match=why):
        Run.start(tmp_path, plan, amend=leave)


def test_a_sealed_run_is_not_amended(tmp_path):
    run = Run.start(tmp_path, PLAN)
    run.seal()
    run._lock.close()
    with pytest.raises(SettingsError, match="another plan"):
        Run.start(tmp_path, CHANGED, amend=LEAVE)


def test_differences_are_told_by_dotted_name():
    assert dict(differences({"a": {"b": 1, "c": [1]}}, {"a": {"b": 2, "c": [1]}, "d": 3})) == {
        "a.b": [1, 2],
        "d": [None, 3],
    }
