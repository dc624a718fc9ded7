"""One installation serves all tests of a module; each test has a provider of its own."""

import pytest

from tests.installation import an_installation


@pytest.fixture(scope="module")
def plant(tmp_path_factory):
    with an_installation(tmp_path_factory.mktemp("sirocco"), workers=1) as installation:
        yield installation


@pytest.fixture(scope="module")
def world(plant):
    return plant.populate()
