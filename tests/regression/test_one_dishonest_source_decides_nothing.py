"""S13: what one dishonest source among several can do had never been tried.

Where it was the lower of two fresh sources, or held half the weight, its report was the index; a lone report
far away made the price UNCERTAIN, which stops opening and withdrawing; and by throwing the median from one
honest report to another in every block it made a variance out of nothing, and with it margin calls.

The class of inputs: 2 to 7 sources (the oracle takes no eighth) of any weights, one of them dishonest, which
says anything at any time, from zero to the largest word, wider than true, older than true, or nothing; honest
ones that follow a price, each within 1 % of it, and that may fall silent as well where nothing else is said.
The contract is held against the model of these tests by `test_contract_behaves_as_plain_model`.
"""

from __future__ import annotations

import boa
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from sim.reference import oracle_math
from sim.reference.fixed_point import WAD
from tests.support.deployers import ORACLE_PARAMETERS, deploy_oracle
from tests.support.oracle_model import OracleModel, Source

PRICE = 2_000 * WAD
VARIANCE = 64 * WAD // 100
HEARTBEAT = 600
START = 1_700_000_000
LIQUIDATE = ORACLE_PARAMETERS["liquidate_status"]
MODEL = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])

WEIGHTS = st.lists(st.one_of(st.just(1), st.integers(1, 4_095)), min_size=2, max_size=7)
WORDS = st.one_of(
    st.sampled_from([0, 1, 10**12, 10**12 + 1, 10**27, 2**96, 2**255, 2**256 - 1]),
    st.integers(1, 400).map(lambda percent: PRICE * percent // 100),
    st.integers(-12, 12).map(lambda power: PRICE * 10 ** (power + 12) // 10**12),
    st.integers(0, 2**97),
)
LIES = st.lists(  # price, half-width in per cent of it, age
    st.tuples(WORDS, st.one_of(st.integers(0, 12), st.just(10**9)), st.integers(0, HEARTBEAT)), max_size=3
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 12, 12, 60, 300]),  # seconds to wait
        st.integers(-100, 100),  # move of the true price, basis points
        st.lists(st.integers(-100, 100), min_size=7, max_size=7),  # honest errors, basis points
        st.lists(st.booleans(), min_size=7, max_size=7),  # who of the honest speaks
        LIES,
    ),
    min_size=1,
    max_size=25,
)


class Sources:
    """An oracle's sources, the first of them dishonest."""

    def __init__(self, weights):
        self.now = START
        self.price = PRICE
        self.model = OracleModel(
            parameters=ORACLE_PARAMETERS,
            listed_at=START,
            initial_price=PRICE,
            variance_fast=VARIANCE,
            variance_slow=VARIANCE,
            sources=[Source(weight=weight, heartbeat=HEARTBEAT) for weight in weights],
        )
        self.liar, *self.honest = self.model.sources
        self.at_round = None
        """Honest reports that were fresh when the newest round was made."""
        self.honest_reports = 0

    def say(self, source, price, confidence, published_at):
        if not self.model.accepts(source, price, confidence, published_at, self.now):
            return
        rounds = len(self.model.rounds)
        self.model.report(source, price, confidence, published_at, self.now)
        self.honest_reports += source is not self.liar
        if len(self.model.rounds) > rounds:
            self.at_round = [s for s in self.model.fresh(self.now) if s is not self.liar]
            self.range = [(s.price, s.confidence) for s in self.at_round]

    def speak(self, who, errors):
        for source, error in zip(self.honest, errors, strict=False):
            if source in who:
                self.say(source, self.price * (10_000 + error) // 10_000, WAD, self.now)

    def lie(self, lies):
        for price, width, age in lies:
            self.say(self.liar, price, price * width // 100, self.now - age)

    def play(self, steps, *, live):
        """Yield after every step; if `live`, no honest source stays silent for longer than its heartbeat."""
        for wait, move, errors, speaks, lies in steps:
            self.now += wait
            self.price = self.price * (10_000 + move) // 10_000
            self.lie(lies[:1])
            late = [s for s in self.honest if self.now - s.published_at >= HEARTBEAT - 300]
            chosen = [s for s, heard in zip(self.honest, speaks, strict=False) if heard]
            self.speak([*chosen, *(late if live else [])], errors)
            self.lie(lies[1:])
            yield


@MODEL
@given(weights=WEIGHTS, steps=STEPS)
def test_it_never_liquidates_at_a_price_that_no_honest_source_stands_for(weights, steps):
    sources = Sources(weights)
    for _ in sources.play(steps, live=False):
        if sources.model.status(sources.now) > LIQUIDATE:
            continue
        event(f"{len(weights)} sources, liquidations allowed")
        prices = [price for price, _ in sources.range]
        index, confidence, _ = sources.model.rounds[-1]
        assert min(prices) <= index <= max(prices)
        honest_width = max(width for _, width in sources.range)
        assert confidence <= max(honest_width, (max(prices) - min(prices) + 1) // 2)


@MODEL
@given(weights=WEIGHTS, steps=STEPS)
def test_of_two_it_holds_the_index_at_worst_and_nobody_is_liquidated(weights, steps):
    sources = Sources(weights[:2])
    said = [PRICE]
    for _ in sources.play(steps, live=False):
        said += [source.price for source in sources.honest if source.price]
        assert min(said) <= sources.model.index <= max(said)
        assert sources.model.status(sources.now) > LIQUIDATE


@MODEL
@given(weights=WEIGHTS.filter(lambda weights: len(weights) >= 3), steps=STEPS)
def test_it_never_stops_the_index_nor_what_users_do(weights, steps):
    sources = Sources(weights)
    everybody = sources.honest
    sources.speak(everybody, [0] * 6)
    for _ in sources.play(steps, live=True):
        before = len(sources.model.rounds)
        sources.speak(everybody[:1], [0])
        now, status = sources.now, sources.model.status(sources.now)
        # Within 1 % of a price that moves by 1 % a step, the honest stay within the oracle's 2 % most times.
        prices = [source.price for source in everybody]
        unsure = (max(prices) - min(prices) + 1) // 2 * WAD > ORACLE_PARAMETERS["max_confidence_ratio"] * min(
            prices
        )
        if len(weights) >= 4:
            assert status == oracle_math.STATUS_VALID or (unsure and status == oracle_math.STATUS_UNCERTAIN)
        else:
            assert status <= oracle_math.STATUS_INSUFFICIENT
        if everybody[0].heard_at == now and before:
            assert sources.model.rounds[-1][2] == now
        assert min(prices) <= sources.model.index <= max(prices) or len(weights) == 3


@MODEL
@given(weights=WEIGHTS, steps=STEPS, lies=LIES)
def test_alone_it_adds_nothing_to_variances_and_average(weights, steps, lies):
    sources = Sources(weights)
    model = sources.model
    for _ in sources.play(steps, live=False):
        assert len(model.seen) <= sources.honest_reports or len(model.fresh(sources.now)) < 2
        sources.now += 12
        fresh = [source for source in model.fresh(sources.now) if source is not sources.liar]
        last = max(model.seen, default=START)
        if not fresh or any(source.heard_at > last for source in fresh):
            continue
        event("nothing but lies since the last observation")
        before = model.estimates()[:3]
        for price, width, age in lies:
            sources.now += 12
            if not [s for s in model.fresh(sources.now) if s is not sources.liar]:
                break
            sources.say(sources.liar, price, price * width // 100, sources.now - age)
        else:
            assert model.estimates()[:3] == before


def variance_after_an_hour(dishonest):
    """Return the fast variance of three sources in a calm market whose two honest ones are 0.5 % apart."""
    sources = Sources([1, 1, 1])
    low, high = sources.honest
    for block in range(300):
        sources.now += 12
        for source, price, turn in ((low, PRICE, 0), (high, PRICE * 201 // 200, 25)):
            if block % 50 == turn or block < 1:
                sources.say(source, price, 0, sources.now)
        lie = PRICE * (80 if block % 2 else 120) // 100 if dishonest else PRICE
        sources.say(sources.liar, lie, 0, sources.now)
    return sources.model.estimates()[0]


def test_throwing_the_median_to_and_fro_makes_no_storm():
    # Twelve honest reports in the hour: at most as many returns of 0.5 %, 2.6 a year, came through. Once a
    # block counts 300 of them, 66 a year.
    year = oracle_math.YEAR_SECONDS
    most = 13 * 0.005**2 * year / 3_600 * WAD
    assert variance_after_an_hour(dishonest=False) < VARIANCE
    assert variance_after_an_hour(dishonest=True) < VARIANCE + most


@pytest.mark.parametrize("count", range(2, 8))
def test_the_contract_says_the_same(count):
    owner, reporters = boa.env.generate_address(), [boa.env.generate_address() for _ in range(count)]
    with boa.env.anchor():
        contract = deploy_oracle(owner)
        contract.add_asset(PRICE, VARIANCE, VARIANCE, sender=owner)
        for position, reporter in enumerate(reporters):
            contract.add_reporter(0, reporter, 4_095 if position == 0 else 1, HEARTBEAT, sender=owner)
        liar, *honest = reporters
        boa.env.time_travel(seconds=12)
        for reporter in (*honest, liar):
            contract.report(0, PRICE, 0, boa.env.timestamp, sender=reporter)
        calm = contract.asset_price(0)
        for lie in (0, 1, PRICE // 40, PRICE * 7 // 10, PRICE * 3, PRICE * 40, 2**256 - 1):
            boa.env.time_travel(seconds=12)
            if lie in (0, 1, 2**256 - 1):
                with boa.reverts():
                    contract.report(0, lie, 0, boa.env.timestamp, sender=liar)
            else:
                contract.report(0, lie, 0, boa.env.timestamp, sender=liar)
            price = contract.asset_price(0)
            assert price.index_price == price.risk_price == PRICE
            assert (price.variance_fast, price.variance_slow, price.ema_price) == (*calm[4:6], calm[2])
            assert price.status == (
                oracle_math.STATUS_VALID if count >= 3 else oracle_math.STATUS_INSUFFICIENT
            )
            assert contract.is_allowed(0, 2) == (count >= 3)
        for reporter in honest:  # and what the others say goes through at once
            contract.report(0, PRICE * 99 // 100, 0, boa.env.timestamp, sender=reporter)
        assert contract.asset_price(0).index_price == PRICE * 99 // 100 or count == 2
