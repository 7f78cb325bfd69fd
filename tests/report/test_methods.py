"""What a report says of how numbers were made."""

from radassay.evidence.finding import Finding
from radassay.report.tables import methods
from radassay.stats.conservative import conservative


def limited(name, method):
    return Finding(check="fidelity", name=name, value=0.1, low=0.0, high=0.2, method=method)


def test_each_way_of_making_limits_names_its_measures_once():
    told = methods([limited("kid", "one way"), limited("kid", "one way"), limited("frechet", "another")])
    assert len(told) == 2
    assert "one way" in told[0] and "another" in told[1]
    assert told[0].lower().count("kid") == 1 and "frechet" not in told[0].lower().replace("é", "e")


def test_limits_that_are_too_wide_are_called_no_valid_interval_beside_their_measure():
    (told,) = methods([limited("kid", conservative("one way", "where nothing differs"))])
    assert "no valid 95 % interval where nothing differs: on simulated chests its limits held" in told
    assert "kid" in told.lower()
