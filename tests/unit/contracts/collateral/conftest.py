"""A protocol whose accounts may have other assets; deployed once a module and rewound after each test."""

import pytest

from tests.support.collateral import Asset
from tests.support.protocol import Protocol, isolated, rewound


@pytest.fixture(scope="module")
def _listed():
    """One market, no fees, fills at the index price; one asset of 18 decimals at 100."""
    with isolated():
        protocol = Protocol()
        yield protocol, Asset(protocol)


@pytest.fixture
def world(_listed):
    """Protocol and asset."""
    protocol, asset = _listed
    changes = dict(asset.changes)
    with isolated(), rewound(protocol):
        yield protocol, asset
    asset.changes = changes
