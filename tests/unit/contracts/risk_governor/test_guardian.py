"""G3 and G4: the guardian may tighten, pause and cancel, at once; never loosen, never unpause."""

from __future__ import annotations

import pytest

from sim.core.units import WAD
from sim.protocol.account_ids import OWN_INDEX, own_account
from sim.protocol.deployed import OWNER
from sim.protocol.governance import rules
from sim.protocol.governance.setup import GOVERNOR, GUARDIAN
from tests.support.governed import DAY, NOBODY


def tighten(governed, key, data):
    return governed.send(GUARDIAN, GOVERNOR, "tighten", governed.deployment.addresses[key], data)


def test_the_guardian_tightens_at_once(governed):
    receipt = tighten(governed, "risk_engine", governed.setting(upnl_weight=WAD * 3 // 4))
    assert receipt.status, receipt.revert_reason
    assert governed.read("risk_engine", "parameters")[0] == WAD * 3 // 4
    _, cap = governed.read("market_registry", "market_info", 0)[:2]
    governed_cap = governed.data("market_registry", "set_market", 0, governed.model(), cap * 6 // 10)
    assert tighten(governed, "market_registry", governed_cap).status


@pytest.mark.parametrize(
    ("key", "changes", "reason"),
    [
        ("risk_engine", {"withdraw_margin_ratio": WAD // 100}, "governor: not tighter"),  # looser
        ("trading_desk", {"trade_fee_rate": WAD // 1_000}, "governor: not tighter"),  # no safer side
        (
            "risk_engine",  # one of two
            {"upnl_weight": WAD * 9 // 10, "withdraw_margin_ratio": WAD // 100},
            "governor: not tighter",
        ),
        ("risk_engine", {"upnl_weight": WAD // 4}, "governor: step too large"),
        ("trading_desk", {}, "governor: nothing changes"),
    ],
)
def test_the_guardian_does_nothing_else(governed, key, changes, reason):
    assert governed.tightening(key, governed.setting(**changes)) == reason


def test_the_guardian_tightens_one_step_a_day(governed):
    assert tighten(governed, "risk_engine", governed.setting(upnl_weight=WAD * 3 // 4)).status
    at = governed.now
    data = governed.setting(upnl_weight=WAD // 2)
    address = governed.deployment.addresses["risk_engine"]
    early = governed.send(GUARDIAN, GOVERNOR, "tighten", address, data, at=at + DAY - 1)
    assert early.revert_reason == "governor: too soon"
    assert governed.send(GUARDIAN, GOVERNOR, "tighten", address, data, at=at + DAY).status


def test_only_the_guardian_tightens(governed):
    data = governed.setting(upnl_weight=WAD * 3 // 4)
    for who in (OWNER, NOBODY, governed.trader, governed.keepers[0]):
        assert governed.tightening("risk_engine", data, sender=who) == "governor: not guardian"


def test_the_guardian_cannot_propose_execute_or_set(governed):
    queued = governed.propose("risk_engine", governed.setting(upnl_weight=WAD * 3 // 4))
    for function, arguments in (
        ("propose", (governed.governor, b"\0\0\0\0")),
        ("execute", (queued,)),
        ("take_ownership", (governed.governor,)),
        ("transfer_ownership", (GUARDIAN,)),
    ):
        receipt = governed.send(GUARDIAN, GOVERNOR, function, *arguments)
        assert receipt.revert_reason == "access: not owner", function
    data = governed.data(GOVERNOR, "set_delays", 2 * DAY, 7 * DAY)
    assert governed.tightening(GOVERNOR, data) == "governor: not tighter"


def tighten_formula(governed, names: tuple[str, ...], other: str) -> None:
    indices = [list(rules.MODELS[governed.kind]).index(name) for name in names]
    words = governed.model_words()
    for index in indices:
        words[index] = words[index] * 5 // 4
    before = governed.model()
    receipt = tighten(governed, GOVERNOR, governed.set_model(words))
    assert receipt.status, receipt.revert_reason
    assert governed.model() != before
    assert governed.model_words() == words
    # Back again is looser; another formula is another kind, whatever it asks.
    words[indices[0]] -= 1
    assert governed.tightening(GOVERNOR, governed.set_model(words)) == "governor: not tighter"
    most = [rule.words(field).maximum for field, rule in rules.MODELS[other].items()]
    assert governed.tightening(GOVERNOR, governed.set_model(most, other)) == "governor: other kind"


def test_the_guardian_tightens_the_adaptive_formula(governed):
    tighten_formula(governed, ("maintenance_floor",), "volatility")


def test_the_guardian_tightens_the_static_formula(static):
    tighten_formula(static, ("maintenance_ratio", "initial_ratio"), "adaptive")


def test_the_guardian_tightens_a_formula_one_step_a_day(static):
    words = static.model_words()
    tighter = [words[0] * 5 // 4, words[1] * 5 // 4, words[2]]
    assert tighten(static, GOVERNOR, static.set_model(tighter)).status
    tightest = [tighter[0] * 5 // 4, tighter[1] * 5 // 4, tighter[2]]
    assert static.tightening(GOVERNOR, static.set_model(tightest)) == "governor: too soon"


PRICE = 2_000 * WAD
SIZE = 2 * WAD


@pytest.fixture
def trading(governed):
    """A market with liquidity, a price and two traders, one with a position."""
    governed.fill()
    governed.report(PRICE)
    governed.must(governed.other, "trading_desk", "increase_position", OWN_INDEX, 0, SIZE, 0)
    return governed


def matrix(governed) -> dict[str, str | None]:
    """Return what everybody hears who does anything there is to do."""
    own, other = own_account(governed.trader), own_account(governed.other)
    attempts = {
        "increase": (governed.trader, "trading_desk", "increase_position", (OWN_INDEX, 0, SIZE, 0)),
        "decrease": (governed.other, "trading_desk", "decrease_position", (OWN_INDEX, 0, SIZE // 2, 0)),
        "deposit": (governed.trader, "trading_desk", "deposit", (own, 10**6)),
        "deposit for another": (governed.trader, "trading_desk", "deposit", (other, 10**6)),
        "withdraw": (governed.trader, "trading_desk", "withdraw", (OWN_INDEX, 10**6)),
        "poke": (NOBODY, "market_registry", "poke", (0,)),
        "cover": (NOBODY, "loss_waterfall", "cover_deficit", (other,)),
        "liquidate": (governed.liquidator, "liquidation_engine", "liquidate", (other, 0)),
        "deleverage": (NOBODY, "loss_waterfall", "auto_deleverage", (other, 0, [own])),
        "socialize": (NOBODY, "loss_waterfall", "socialize_loss", (other,)),
        "provide": (governed.provider, "liquidity_pool", "deposit", (10**6, governed.provider)),
        "ask to provide": (governed.provider, "liquidity_pool", "request_deposit", (10**6,)),
        "ask to leave": (governed.provider, "liquidity_pool", "request_exit", (10**16,)),
        "redeem": (
            governed.provider, "liquidity_pool", "redeem", (10**16, governed.provider, governed.provider),
        ),
        "report": (governed.keepers[0], "price_oracle", "report", (0, PRICE, 0, governed.now)),
    }  # fmt: skip
    return {
        name: governed.refusal(
            sender, governed.deployment.addresses[key], governed.data(key, function, *arguments)
        )
        for name, (sender, key, function, arguments) in attempts.items()
    }


@pytest.mark.parametrize("who", [OWNER, GUARDIAN])
def test_a_pause_stops_what_adds_risk_and_nothing_else(trading, who):
    before = matrix(trading)
    trading.must(who, GOVERNOR, "pause", at=trading.now + 1)
    paused = matrix(trading)
    assert paused.pop("increase") == "pausable: paused"
    assert before.pop("increase") is None
    assert paused == before
    assert {name for name, reason in before.items() if reason is None} >= {
        "decrease", "deposit", "deposit for another", "withdraw", "poke",
        "ask to provide", "ask to leave", "report",
    }  # fmt: skip
    assert before["liquidate"] == "liquidation: healthy"


def test_unpausing_takes_a_proposal_and_its_delay(trading):
    trading.must(GUARDIAN, GOVERNOR, "pause")
    assert trading.send(GUARDIAN, GOVERNOR, "pause").revert_reason == "pausable: paused"
    data = trading.data("trading_desk", "unpause")
    for who in (OWNER, GUARDIAN):
        assert trading.send(who, "trading_desk", "unpause").revert_reason == "access: not owner"
    assert trading.tightening("trading_desk", data) == "governor: not tighter"
    queued = trading.propose("trading_desk", data)
    assert trading.ready_at(queued) == trading.now + 2 * DAY
    assert trading.execute(queued).status
    assert trading.read("trading_desk", "paused") is False
