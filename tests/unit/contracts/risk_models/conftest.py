from __future__ import annotations

import boa
import pytest


@pytest.fixture(autouse=True)
def _isolated():
    with boa.env.anchor():
        yield


@pytest.fixture(scope="session")
def owner():
    return boa.env.generate_address("owner")
