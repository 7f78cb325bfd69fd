import pytest
from reading_sets import cohort, two_sets


@pytest.fixture(scope="session")
def everyone(tmp_path_factory):
    return cohort(tmp_path_factory.mktemp("chests"))


@pytest.fixture(scope="session")
def chests(everyone):
    return two_sets(everyone)


@pytest.fixture(scope="session")
def marked(everyone):
    return two_sets(everyone, mark=3)
