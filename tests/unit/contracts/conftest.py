"""The whole protocol on titanoboa, deployed once a module and rewound after each test."""

import pytest

from tests.support.protocol import Protocol, isolated, rewound


@pytest.fixture(scope="module")
def _plain():
    """One market, no fees, no ramp, fills at the index price."""
    with isolated():
        yield Protocol()


@pytest.fixture
def protocol(_plain):
    with isolated(), rewound(_plain):
        yield _plain


@pytest.fixture
def build():
    """Deploy a protocol of the test's own."""
    with isolated():
        yield Protocol
