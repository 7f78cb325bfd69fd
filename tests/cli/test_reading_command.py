"""A reader study from the command line: plan, answers, analysis, judged report."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from radassay.cli.main import main
from radassay.images.splits import test_uses as uses_of
from radassay.reading.key import open_key, unblindings
from radassay.reading.study import read_study

sys.path.insert(0, str(Path(__file__).parents[1] / "reading"))
from reading_sets import answers, cohort, two_sets

pytest.importorskip("radassay.web.served", exc_type=ImportError)


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """Saved sets: real, synthetic, and synthetic with a mark in the corner."""
    folder = tmp_path_factory.mktemp("sets")
    whole = cohort(folder / "store", patients=80)
    real, made = two_sets(whole)
    marked = two_sets(whole, mark=3)[1]
    for name, images in (("real", real), ("made", made), ("marked", marked)):
        (folder / name).mkdir()
        (folder / name / "pixels").symlink_to(folder / "store" / "pixels")
        images.save(folder / name)
    return folder


def planned(sets, out, *more, made="made"):
    asked = ["--cases", "12", "--catch", "2", "--training", "2", "--runs", "20", *more]
    return main(["reading", "plan", str(sets / "real"), str(sets / made), "--out", str(out), *asked])


def simulated(study):
    plan = read_study(study).plan
    key = open_key(study / "key", "the simulation", "to simulate readers", plan=plan.hash)
    return answers(json.loads((study / "served" / "study.json").read_text()), key, np.random.default_rng(2), seen=2.0)


def test_plan_serve_answer_analyse_judge(sets, tmp_path, capsys):
    study = tmp_path / "study"
    assert planned(sets, study) == 0
    told = capsys.readouterr().out
    assert "plan " in told and "power" in told.lower() and "pilot" not in told
    assert sorted(p.name for p in study.iterdir()) == ["key", "plan.json", "served"]
    assert sorted(p.name for p in (study / "served").iterdir()) == ["pixels", "study.json"]
    assert dict(uses_of(sets / "real").purposes)["reader study"] >= 1

    assert main(["reading", "serve", str(study), "--only-links"]) == 0
    links = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in links] == ["reader"] * 6 + ["coordinator"]
    assert len({line.split("#")[1] for line in links}) == 7

    from radassay.web.book import Answer, Book
    from radassay.web.served import ServedFolder

    book = Book(str(study / "reads.db"), ServedFolder.open(study / "served").fingerprint)
    for row in simulated(study).itertuples():
        book.record(Answer(row.answer_id, row.reader, row.block, row.item, 0, "", json.loads(row.value), {}), False)
    book.close()
    assert main(["reading", "analyse", str(study), "--who", "A. Smith", "--out", str(tmp_path / "run")]) == 0
    told = capsys.readouterr().out
    assert "told apart" in told and "report:" in told
    report = (tmp_path / "run" / "report.html").read_text()
    assert "Reader study" in report and "R06" in report
    judged = json.loads((tmp_path / "run" / "report.json").read_text())
    verdicts = {v["question"]: v["status"] for rung in judged["rungs"] for v in rung["verdicts"]}
    assert verdicts["Can radiologists tell synthetic from real images in a blinded study?"] == "not met"
    assert verdicts["Did enough radiologists read?"] == "met"
    acts = unblindings(study / "key")
    assert acts[-1].who == "A. Smith" and acts[-1].answers
    notes = json.loads((tmp_path / "run" / "run.json").read_text())["notes"]
    assert notes["unblinding"][-1]["who"] == "A. Smith"


def test_a_mark_refuses_the_plan_and_one_pipeline_is_the_way_out(sets, tmp_path, capsys):
    assert planned(sets, tmp_path / "study", made="marked") == 2
    told = capsys.readouterr().err
    assert "border" in told and "--same-pipeline" in told
    assert not (tmp_path / "study").exists()
    assert planned(sets, tmp_path / "study", "--same-pipeline", made="marked") == 0
    assert "trimmed" in capsys.readouterr().out
    assert read_study(tmp_path / "study").plan.trim > 0
    assert planned(sets, tmp_path / "other", "--override", "marks are in both archives", made="marked") == 0
    assert read_study(tmp_path / "other").plan.override == "marks are in both archives"


def test_answers_from_a_file_and_what_was_changed_since(sets, tmp_path, capsys):
    study = tmp_path / "study"
    assert planned(sets, study, "--readers", "3") == 0
    assert "pilot" in capsys.readouterr().out
    assert main(["reading", "analyse", str(study), "--who", "A", "--out", str(tmp_path / "none")]) == 2
    assert "no answers yet" in capsys.readouterr().err
    simulated(study).to_csv(tmp_path / "answers.csv", index=False)
    given = ["--answers", str(tmp_path / "answers.csv"), "--who", "A. Smith"]
    assert main(["reading", "analyse", str(study), *given, "--out", str(tmp_path / "run")]) == 0
    assert "pilot" in capsys.readouterr().out.lower()
    content = (study / "plan.json").read_text()
    (study / "plan.json").write_text(content.replace('"margin": 0.1,', '"margin": 0.3,'))
    assert main(["reading", "analyse", str(study), *given, "--out", str(tmp_path / "late")]) == 2
    assert "changed after it was hashed" in capsys.readouterr().err
    assert planned(sets, study) == 2
    assert "not empty" in capsys.readouterr().err
