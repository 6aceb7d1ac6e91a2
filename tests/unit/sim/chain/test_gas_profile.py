"""The gas profile in the repository must be the one of the contracts in the repository."""

from sim.chain.gas import GasProfile
from sim.protocol.contracts import compile_protocol

# What the simulator sends; `scripts/update_gas_profile.py` measures exactly these.
ENTRY_POINTS = {
    "insurance_fund.deposit",
    "insurance_fund.redeem",
    "liquidation_engine.auto_deleverage",
    "liquidation_engine.liquidate",
    "liquidation_engine.socialize_loss",
    "liquidity_pool.deposit",
    "liquidity_pool.redeem",
    "margin_engine.decrease_position",
    "margin_engine.deposit",
    "margin_engine.increase_position",
    "margin_engine.poke",
    "margin_engine.withdraw",
    "price_oracle.report",
}


def test_profile_was_measured_on_these_contracts():
    artifacts = compile_protocol("adaptive").values()
    assert GasProfile.load().is_current(artifacts), "stale: run scripts/update_gas_profile.py"


def test_profile_knows_every_entry_point_and_its_figures_are_plausible():
    entries = GasProfile.load().entries
    assert set(entries) == ENTRY_POINTS
    for name, entry in entries.items():
        assert 21_000 < entry.revert < entry.success < 2_000_000, name
        assert (entry.per_item > 0) == (name == "liquidation_engine.auto_deleverage"), name
