"""Values the schema allowed were refused by the contracts, at deployment, without file, line or field.

Eight keepers, nine valid sources, a return cap of 2, a least bounty of a million: each loaded and then failed
with the contract's own words. Now every bound of the schema deploys, or is refused when the file is read.
"""

from __future__ import annotations

import pytest

from sim.agents.oracle_keeper import KeepersSection
from sim.core.errors import InputError
from sim.engine.scenario.market import PoolCurveSection
from sim.engine.scenario.protocol import (
    InsuranceFundParameters,
    LiquidationParameters,
    MarginParameters,
    OracleParameters,
    PoolParameters,
)
from sim.engine.scenario.risk import BUILT_IN_MODELS
from tests.support.closed_form_world import build_listed_world

SECTIONS = {
    "protocol.margin": MarginParameters,
    "protocol.liquidation": LiquidationParameters,
    "protocol.oracle": OracleParameters,
    "protocol.pool": PoolParameters,
    "protocol.insurance_fund": InsuranceFundParameters,
    "markets.0.pool": PoolCurveSection,
    "keepers": KeepersSection,
}


def bounds(section: str, model) -> list[str]:
    """Return an override for each bound of each number of a section."""
    found = []
    for name, field in model.model_fields.items():
        for limit in field.metadata:
            if field.annotation not in (int, float):
                continue
            bound = getattr(limit, "ge", getattr(limit, "le", None))
            beside = {"gt": 1e-18, "lt": -1e-16} if field.annotation is float else {"gt": 1, "lt": -1}
            for kind, step in beside.items():  # the bound itself is excluded
                excluded = getattr(limit, kind, None)
                if excluded is not None:
                    bound = excluded + step * max(abs(excluded), 1)
            if bound is not None:
                found.append(f"{section}.{name}={field.annotation(bound)!r}")
    return found


PROTOCOL = [override for section, model in SECTIONS.items() for override in bounds(section, model)]
RISK = [
    (name, override)
    for name, model in BUILT_IN_MODELS.items()
    for override in bounds("protocol.risk_model_parameters", model)
]


def deploys_or_is_refused(*overrides: str) -> None:
    try:
        build_listed_world([], *overrides).chain.close()
    except InputError as error:
        problems = error.problems
    else:
        return
    assert all(line.startswith(("--set", "/")) for line in problems), problems


def test_there_are_bounds_to_try():
    assert len(PROTOCOL) > 80
    assert len(RISK) > 40


@pytest.mark.parametrize("override", PROTOCOL)
def test_bound_of_the_protocol(override):
    deploys_or_is_refused(override)


@pytest.mark.parametrize(("model", "override"), RISK)
def test_bound_of_a_risk_model(model, override):
    # The plain scenario names the static model's ratios: naming another model drops them.
    deploys_or_is_refused(f"protocol.risk_model={model}", override)


@pytest.mark.parametrize(
    "override",
    ["keepers.count=8", "protocol.oracle.max_return=2.0", "protocol.liquidation.min_bounty=1.0000001"],
)
def test_what_the_contracts_refuse_is_refused_with_its_field(override):
    with pytest.raises(InputError, match=override.split("=", maxsplit=1)[0].replace(".", r"\.")):
        build_listed_world([], override)
