import pytest

from radassay.errors import SettingsError
from radassay.workbench.study import read_study, study_of

GOOD = {"name": "s", "real": {"source": "images", "positive": ["sick"]}}


def test_paths_are_seen_from_the_study_file(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text('name = "s"\n[real]\nsource = "images"\npositive = ["sick"]\n[[others]]\nsource = "/else"\n')
    study = read_study(path)
    assert study.real.source == str(tmp_path / "images")
    assert study.others[0].source == "/else"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sede": 1}, "sede"),
        ({"size": 63}, "size"),
        ({"trial": {"stpes": 1}}, r"trial\.stpes.*Settings there: .*steps"),
        ({"checks": {"blanks": 1}}, r"checks\.blanks"),
        ({"real": {"positive": ["x"]}}, "needs a `source`"),
        ({"real": {"source": "a", "simulated": {"patients": 9}, "positive": ["x"]}}, "both"),
        ({"real": {"source": "a"}}, "needs `positive`"),
        ({"synthetic": {"generator": "projection-gan", "source": "x"}}, "one of"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(change, message):
    with pytest.raises(SettingsError, match=message):
        study_of({**GOOD, **change})


def test_a_file_that_is_no_toml_is_refused(tmp_path):
    path = tmp_path / "study.toml"
    path.write_bytes(b"\xff\x00 = [")
    with pytest.raises(SettingsError, match="no TOML"):
        read_study(path)


def test_the_secret_key_of_pseudonyms_never_reaches_the_plan():
    study = study_of({**GOOD, "real": {**GOOD["real"], "patient_key": "hunter2"}})
    assert "hunter2" not in str(study.plan())
