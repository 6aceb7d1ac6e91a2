"""`contracts/lib/portfolio_math.vy` against its Python twin, and what holds whatever is held."""

from __future__ import annotations

from dataclasses import astuple, replace

import boa
import numpy as np
import pytest
from boa.contracts.base_evm_contract import BoaError
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.core.correlation_matrix import defects
from sim.reference import portfolio_math as twin
from sim.reference.fixed_point import WAD
from sim.reference.margin_math import requirement
from tests.support.twins import assert_complete, library

SHARE = st.one_of(st.integers(0, WAD), st.sampled_from([0, 1, WAD // 3, WAD - 1, WAD]))
CORRELATION = st.one_of(st.integers(-WAD, WAD), st.sampled_from([-WAD, -1, 0, 1, 9 * WAD // 10, WAD]))
SCAN = st.one_of(st.integers(1, 10**26), st.sampled_from([0, 1, twin.MAX_SCAN, twin.MAX_SCAN + 1, 10**33]))

PARAMETERS = st.builds(
    twin.PortfolioParameters,
    far_multiple=st.integers(WAD, 10 * WAD),
    far_weight=SHARE,
    single_share=SHARE,
    floor_share=st.integers(twin.LEAST_SHARE, WAD),
    correlation_break=st.integers(0, 2 * WAD),
    confidence_coefficient=st.integers(0, 10 * WAD),
    close_out_ratio=st.integers(0, WAD // 20),
)
LEG = st.one_of(
    st.just(twin.PortfolioLeg()),
    st.builds(
        twin.PortfolioLeg,
        notional=st.one_of(
            st.integers(-(10**26), 10**26), st.sampled_from([1, -1, 10**21, -(10**21), 10**33])
        ),
        ratio=st.integers(1, WAD),
        base_ratio=st.integers(1, WAD),
        confidence=st.integers(0, 10**19),
        price=st.one_of(st.integers(10**18, 10**24), st.sampled_from([0, 1])),
        max_premium=st.one_of(st.integers(0, WAD // 50), st.sampled_from([0, WAD, 2**200])),
    ),
)
LEGS = st.lists(LEG, min_size=8, max_size=8)
CORRELATIONS = st.lists(CORRELATION, min_size=28, max_size=28)


def chain(function: str, *arguments):
    """Return what the contract returns."""
    return getattr(library("portfolio_math").internal, f"_{function}")(*arguments)


def is_refused(correlations) -> bool:
    """Return whether contract and twin, which must agree, refuse correlations."""
    try:
        chain("check_correlations", correlations)
    except BoaError:
        with pytest.raises(ValueError, match="correlation"):
            twin.check_correlations(correlations)
        return True
    twin.check_correlations(correlations)
    return False


def matrix(correlations) -> list[list[float]]:
    rows = [[1.0] * 8 for _ in range(8)]
    for j in range(8):
        for i in range(j):
            rows[i][j] = rows[j][i] = correlations[twin.pair(i, j)] / WAD
    return rows


@given(leg=LEG, parameters=PARAMETERS)
def test_scan_ratios_agree(leg, parameters):
    assert chain("scan_ratio", astuple(leg), astuple(parameters)) == twin.scan_ratio(leg, parameters)


@given(longs=SCAN, shorts=SCAN, share=SHARE, correlation=CORRELATION, parameters=PARAMETERS)
def test_joint_losses_agree(longs, shorts, share, correlation, parameters):
    largest = max(longs, shorts) * share // WAD
    arguments = longs, shorts, largest, correlation
    assert chain("joint_loss", *arguments, astuple(parameters)) == twin.joint_loss(*arguments, parameters)


@settings(max_examples=60)
@given(legs=LEGS, correlations=CORRELATIONS, estimated=CORRELATION, parameters=PARAMETERS)
def test_margins_agree(legs, correlations, estimated, parameters):
    rows = [astuple(leg) for leg in legs]
    found = chain("portfolio_margin", rows, correlations, estimated, astuple(parameters))
    expected = twin.portfolio_margin(legs, correlations, parameters, estimated=estimated)
    assert (found.requirement, found.alone_share, found.together_share, tuple(found.scan_ratios)) == astuple(
        expected
    )


def test_pairs_agree_and_none_shares_a_place():
    places = [twin.pair(i, j) for j in range(8) for i in range(j)]
    assert places == list(range(28))
    assert [chain("pair", i, j) for j in range(8) for i in range(j)] == places


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("far_multiple", (WAD, 10 * WAD), (WAD - 1, 10 * WAD + 1)),
        ("far_weight", (0, WAD), (WAD + 1,)),
        ("single_share", (0, WAD), (WAD + 1,)),
        ("floor_share", (twin.LEAST_SHARE, WAD), (twin.LEAST_SHARE - 1, WAD + 1)),
        ("correlation_break", (0, 2 * WAD), (2 * WAD + 1,)),
        ("confidence_coefficient", (0, 100 * WAD), (100 * WAD + 1,)),
        ("close_out_ratio", (0, WAD), (WAD + 1,)),
    ],
)
def test_parameters_are_held_to_their_bounds(name, inside, outside):
    good = twin.PortfolioParameters(
        far_multiple=3 * WAD,
        far_weight=WAD // 3,
        single_share=WAD // 2,
        floor_share=WAD // 3,
        correlation_break=0,
        confidence_coefficient=WAD,
        close_out_ratio=0,
    )
    for value in inside:
        twin.check_parameters(replace(good, **{name: value}))
        chain("check_parameters", astuple(replace(good, **{name: value})))
    for value in outside:
        bad = replace(good, **{name: value})
        with pytest.raises(ValueError, match=name):
            twin.check_parameters(bad)
        with boa.reverts(f"portfolio_math: {name}"):
            chain("check_parameters", astuple(bad))


def as_pairs(rows) -> list[int]:
    return [round(rows[i][j] * 10**6) * 10**12 for j in range(8) for i in range(j)]


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), spread=st.floats(0.0, 0.6))
def test_what_is_no_correlation_matrix_is_refused(seed, spread):
    """Near the edge of what is possible, contract, twin and the eigenvalues say the same."""
    draw = np.random.default_rng(seed)
    root = draw.normal(size=(8, 3 + seed % 6))
    rows = root @ root.T + 1e-3 * np.eye(8)
    scale = np.sqrt(np.diag(rows))
    rows = rows / scale / scale[:, None]
    noise = np.triu(draw.uniform(-spread, spread, size=(8, 8)), 1)
    correlations = as_pairs(np.clip(rows + noise + noise.T, -1.0, 1.0))
    least = np.linalg.eigvalsh(np.array(matrix(correlations))).min()
    refused = is_refused(correlations)
    if abs(least) > 1e-6:
        assert refused == (least < 0)
        assert refused == bool(defects(matrix(correlations)))


@pytest.mark.parametrize(
    ("pairs", "is_one"),
    [
        ({}, True),
        ({(0, 1): WAD}, True),  # two markets that are one
        ({(0, 1): WAD, (0, 2): WAD // 2, (1, 2): WAD // 2}, True),
        ({(0, 1): WAD, (0, 2): WAD // 2}, False),  # one of them moves with a third, the other does not
        ({(0, 1): 9 * WAD // 10, (1, 2): 9 * WAD // 10}, False),
        ({(6, 7): WAD + 1}, False),
        ({(6, 7): -WAD - 1}, False),
        ({(6, 7): -WAD}, True),
    ],
)
def test_matrices_at_the_edge(pairs, is_one):
    correlations = [0] * 28
    for (i, j), value in pairs.items():
        correlations[twin.pair(i, j)] = value
    assert is_refused(correlations) != is_one


def test_every_function_of_the_library_is_compared():
    assert_complete(
        twin,
        {"check_parameters", "check_correlations", "pair", "scan_ratio", "joint_loss", "portfolio_margin"},
    )


# --- what holds whatever is held ---


@settings(max_examples=300)
@given(legs=LEGS, correlations=CORRELATIONS, parameters=PARAMETERS)
def test_a_requirement_lies_between_its_bounds(legs, correlations, parameters):
    alone = [requirement(abs(leg.notional), leg.ratio) for leg in legs]
    margin = twin.portfolio_margin(legs, correlations, parameters)
    assert margin.requirement <= sum(alone)
    assert margin.requirement * 10 >= sum(alone)
    assert all(ratio <= leg.ratio for ratio, leg in zip(margin.scan_ratios, legs, strict=True))
    if all(leg.notional >= 0 for leg in legs) or all(leg.notional <= 0 for leg in legs):
        assert margin.requirement == sum(alone)  # nothing to offset


@settings(max_examples=300)
@given(legs=LEGS, correlations=CORRELATIONS, estimated=CORRELATION, parameters=PARAMETERS)
def test_an_estimate_only_takes_offsets_away(legs, correlations, estimated, parameters):
    """It counts where it is below what is stated, as if that had been stated of every pair."""
    found = twin.portfolio_margin(legs, correlations, parameters, estimated=estimated)
    assert found.requirement >= twin.portfolio_margin(legs, correlations, parameters).requirement
    lowered = [min(stated, estimated) for stated in correlations]
    assert found == twin.portfolio_margin(legs, lowered, parameters)


@settings(max_examples=300)
@given(
    legs=LEGS,
    correlations=CORRELATIONS,
    parameters=PARAMETERS,
    part=st.floats(0.0, 1.0),
    which=st.integers(0, 7),
    other=st.integers(0, 7),
    joint=st.booleans(),
)
def test_what_a_liquidation_closes_never_raises_it(legs, correlations, parameters, part, which, other, joint):
    """Alone on the heavier side up to equal sides; then as much scan on both. Sizes keep their ratios."""
    before = twin.portfolio_margin(legs, correlations, parameters)
    scans = [
        requirement(abs(leg.notional), ratio) * (1 if leg.notional > 0 else -1)
        for leg, ratio in zip(legs, before.scan_ratios, strict=True)
    ]
    net = sum(scans)
    if scans[which] * net <= 0 or not before.scan_ratios[which]:
        return
    after = list(legs)

    def close(market: int, scan: int) -> None:
        leg = after[market]
        notional = min(scan * WAD // before.scan_ratios[market], abs(leg.notional))
        sign = 1 if leg.notional > 0 else -1
        after[market] = replace(leg, notional=leg.notional - sign * notional)

    alone = min(abs(net), abs(scans[which]))
    close(which, int(alone * part) if not joint else alone)
    if joint and alone == abs(net) and scans[other] * net < 0:
        more = int(min(abs(scans[which]) - alone, abs(scans[other])) * part)
        close(which, more)
        close(other, more)
    rounding = 60 * (1 + sum(leg.ratio // WAD + 1 for leg in legs))
    found = twin.portfolio_margin(after, correlations, parameters)
    assert found.requirement <= before.requirement + rounding


def test_each_scenario_and_the_floor_decide_somewhere():
    """Scans of 100 and 90, or of 100, 50 and 50, by what alone is switched on."""
    off = twin.PortfolioParameters(
        far_multiple=WAD,
        far_weight=0,
        single_share=0,
        floor_share=twin.LEAST_SHARE,
        correlation_break=0,
        confidence_coefficient=0,
        close_out_ratio=0,
    )

    def loss(longs=100, shorts=90, largest=100, correlation=1.0, **changes):
        words = {name: round(value * WAD) for name, value in changes.items()}
        return (
            twin.joint_loss(
                longs * WAD, shorts * WAD, largest * WAD, round(correlation * WAD), replace(off, **words)
            )
            / WAD
        )

    assert loss() == 19.0  # the least floor, a tenth of 190
    assert loss(shorts=50) == 50.0  # all markets move by a scan
    assert loss(shorts=50, far_multiple=3.0, far_weight=0.35) == 52.5  # or by three, at a weight
    assert loss(correlation=0.5) == pytest.approx(9100**0.5)  # 10000 + 8100 - 9000
    assert loss(correlation=-1.0) == 190.0
    assert loss(single_share=0.5) == 50.0
    assert loss(single_share=0.5, largest=60) == 30.0
    assert loss(floor_share=0.3) == 57.0
    assert loss(shorts=0, largest=100) == 100.0
    leg = twin.PortfolioLeg(
        notional=WAD, ratio=WAD // 10, base_ratio=WAD // 10, price=100 * WAD, max_premium=WAD // 100
    )
    full = twin.scan_ratio(leg, off)
    assert full == 9 * WAD // 100
    assert twin.scan_ratio(leg, replace(off, close_out_ratio=WAD // 100)) == 8 * WAD // 100
    unsure = replace(leg, confidence=WAD)
    assert twin.scan_ratio(unsure, off) == full
    assert twin.scan_ratio(unsure, replace(off, confidence_coefficient=2 * WAD)) == 7 * WAD // 100
    assert twin.scan_ratio(replace(leg, ratio=WAD // 5), off) == full  # size is no scan
    assert twin.scan_ratio(replace(leg, ratio=WAD // 20), off) == 4 * WAD // 100
    assert twin.scan_ratio(replace(leg, ratio=1), off) == 1
