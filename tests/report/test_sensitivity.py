"""One table of what each measure sees: the right cells, the best of all, blindness told beside each measure."""

import re

import pytest
from conftest import controls, measured, realistic, sealed_run

from radassay.checklists.judge import judge
from radassay.checklists.rules import read_rules
from radassay.evidence.finding import Finding
from radassay.report import planted
from radassay.report.build import build
from radassay.report.heatmap import heat_map
from radassay.report.render import to_html
from radassay.report.sensitivity import sensitivity


def cells(table, label):
    line = next(line for line in table.lines if line.label == label)
    return {defect.name: cell for defect, cell in zip(table.defects, line.cells, strict=True)}


def test_cells_tell_limit_blindness_and_what_was_not_planted():
    table = sensitivity(realistic())
    kid = cells(table, "Fidelity: KID")
    assert kid["copies"].state == "blind"
    assert kid["blur"].state == "seen"
    assert kid["shared images"].state == "not planted"
    assert kid["shared images"].text == ""
    assert kid["collapse"].text == f"{100 * kid['collapse'].limit:.2g}"
    assert {d.name: d.unit for d in table.defects}["blur"] == "pixels"
    assert {d.name: d.unit for d in table.defects}["copies"] == "%"
    assert {d.name: d.range for d in table.defects}["blur"] == "0.3 to 2 pixels"


def test_the_first_line_is_the_best_of_all():
    table = sensitivity(realistic())
    best, first = table.lines[0], cells(table, "Any of these measures")
    assert best.label == "Any of these measures"
    for column, defect in enumerate(table.defects):
        limits = [line.cells[column].limit for line in table.lines[1:] if line.cells[column].limit is not None]
        assert first[defect.name].limit == (min(limits) if limits else None)
    assert table.unseen == ()


def test_what_no_measure_sees_is_named():
    table = sensitivity(controls("fidelity", "kid", (0.0, -0.1, 0.1), {"copies": 0.0, "blur": 5.0}))
    assert table.unseen == ("copies",)
    assert sensitivity([measured("fidelity", "kid", 0.1)]) is None


def test_a_limit_that_nobody_measured_is_not_blindness():
    limit = Finding(check="a", name="b", role="limit", control="blur", reason="not measured: 0 blanks, 3 are needed")
    table = sensitivity([limit])
    assert table.lines[1].cells[0].state == table.lines[0].cells[0].state == "not measured"
    assert table.unseen == ()
    assert not planted.is_blind(limit)


@pytest.mark.parametrize(("limit", "rank"), [(0.3, 0.0), (0.4, 0.25), (2.0, 1.0), (1.5, 1.0)])
def test_the_darkest_cell_sees_the_smallest_dose(limit, rank):
    found = [f for f in controls("a", "b", (0.0, -0.1, 0.1), {"blur": 5.0}) if f.role == "planted"]
    found.append(Finding(check="a", name="b", role="limit", control="blur", value=limit, unit="pixels (sigma)"))
    assert sensitivity(found).lines[1].cells[0].rank == rank


def test_at_how_many_images_limits_were_found_is_told_once(tmp_path):
    found = realistic()
    for place, f in enumerate(found):
        if f.role == "limit":
            reason = "; ".join(part for part in (f.reason, "found with 200 of 900 synthetic images") if part)
            details = {"images": {"training": 200, "held_out": 150, "synthetic": 200}}
            found[place] = Finding(**{**vars(f), "reason": reason, "details": details})
    table = sensitivity(found)
    assert table.images == "200 images in the place of synthetic ones, 150 held-out and 200 training images"
    run = sealed_run(tmp_path / "run", found)
    page = to_html(build(run, judge(run.findings(), read_rules())))
    assert page.count("200 images in the place of synthetic ones") == 1
    assert "found with 200 of" not in page


def test_each_measure_names_what_it_is_blind_to(tmp_path):
    run = sealed_run(tmp_path / "run", realistic())
    report = build(run, judge(run.findings(), read_rules()))
    rows = {row.label: row for s in report.sections for row in s.rows if not row.part}
    assert rows["KID"].blind == "copies, shuffled labels"
    assert rows["Coverage"].blind == ""
    page = to_html(report)
    assert "blind to planted copies, shuffled labels" in page
    copies = [d for s in report.sections for d in s.detected if (d.measure, d.control) == ("KID", "copies")]
    assert copies[0].equivalent == "", "a dose read off a flat curve means nothing"


def test_the_heat_map_has_a_word_in_every_planted_cell():
    table = sensitivity(realistic())
    svg = heat_map(table)
    assert svg == heat_map(sensitivity(realistic()))
    assert svg.startswith(b"<?xml")
    patches = len(re.findall(rb'<g id="patch_', svg))
    assert patches >= len(table.lines) * len(table.defects)
