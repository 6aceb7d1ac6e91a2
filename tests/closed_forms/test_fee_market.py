"""quant 8.20: under full blocks the base fee takes ceil(ln x / ln 1.125) blocks to rise x times."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from tests.support.closed_form_world import build_listed_world, run_loop

START_GWEI = 20.0


def base_fees(*overrides: str, blocks: int) -> list[float]:
    """Return the base fee (gwei) of blocks 1.. of a run whose keepers compete for the same space."""
    world = build_listed_world(
        [],
        f"chain.base_fee_gwei={START_GWEI}",
        "chain.block_gas_limit=30_000_000",
        "chain.background_fee_gwei=900_000.0",
        "chain.background_gas_deviation=0.0",
        *overrides,
        f"blocks={blocks}",
    )
    loop = run_loop(world, blocks)
    fees = [row.base_fee_gwei for row in loop.recorder.tables.blocks.rows]
    world.chain.close()
    return fees


@pytest.mark.parametrize(("factor", "blocks"), [(10, 20), (2, 6), (50, 34)])
def test_blocks_until_the_base_fee_has_risen(factor, blocks):
    assert blocks == math.ceil(math.log(factor) / math.log(1.125))
    fees = base_fees("chain.background_gas_share=20.0", blocks=blocks + 3)
    assert fees[0] == START_GWEI
    reached = next(index for index, fee in enumerate(fees) if fee >= factor * START_GWEI)
    assert reached == blocks


def test_every_full_block_raises_it_by_an_eighth_and_every_empty_one_lowers_it_by_as_much():
    full = base_fees("chain.background_gas_share=20.0", blocks=12)
    # 30M gas is 200 background bids: what they leave over of the last bid is below one part in 200.
    assert all(after / before == pytest.approx(1.125, abs=0.0013) for before, after in pairwise(full))
    silent = base_fees(
        "chain.background_gas_share=0.0",
        "keepers.heartbeat_seconds=600",
        "keepers.deviation_threshold=0.5",
        blocks=12,
    )
    assert all(after / before == pytest.approx(0.875) for before, after in pairwise(silent))


def test_a_surge_raises_it_only_while_it_lasts():
    fees = base_fees(
        "chain.background_gas_share=0.5",
        'shocks=[{ kind = "gas_demand", at_block = 5, duration_minutes = 4.0, size = 80.0 }]',
        blocks=60,
    )
    assert fees[3] < START_GWEI
    # Blocks 5 to 24 are full; what did not get in waits five blocks more (background patience).
    assert fees[24] / fees[4] == pytest.approx(1.125**20, rel=0.02)
    assert fees.index(max(fees)) in range(24, 31)
    assert fees[-1] < max(fees) / 4.0
