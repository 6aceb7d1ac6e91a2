"""The protocol as the simulator deploys it, once a module and rewound after each test."""

import pytest

from tests.support.governed import Governed


@pytest.fixture(scope="module")
def _deployed():
    return Governed()


@pytest.fixture
def governed(_deployed):
    with _deployed.undone():
        yield _deployed


@pytest.fixture(scope="module")
def _deployed_static():
    return Governed("static")


@pytest.fixture
def static(_deployed_static):
    with _deployed_static.undone():
        yield _deployed_static
