"""The ledger of skew by origin: what arbitrageurs carry outside is told apart by who made it, to the unit."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from sim.engine.blocks.skew import SkewBook, SkewLedger, TradeKind
from sim.engine.worlds.flows import VOLUNTARY
from sim.protocol.codes import PositionCause

SIZES = st.integers(-(10**22), 10**22)
TRADES = st.lists(
    st.one_of(
        st.tuples(st.just("forced"), st.integers(0, 8), SIZES),
        st.tuples(st.just("voluntary"), st.just(0), SIZES),
        st.tuples(st.just("arbitrage"), st.just(0), SIZES),
    ),
    max_size=40,
)


def played(net: int, trades) -> SkewLedger:
    ledger = SkewLedger(net)
    for kind, account, size in trades:
        if kind == "forced":
            ledger.forced(account, size)
        else:
            getattr(ledger, kind)(size)
    return ledger


@given(net=SIZES, trades=TRADES)
def test_nothing_is_made_or_lost(net, trades):
    assert played(net, trades).net == net + sum(size for _, _, size in trades)


@given(net=SIZES, trades=TRADES, size=SIZES)
def test_an_arbitrage_takes_from_the_side_it_relieves_pro_rata(net, trades, size):
    ledger = played(net, trades)
    skew = ledger.net
    origins = [VOLUNTARY, *range(9)]
    before = {origin: ledger.held(origin) for origin in origins}
    parts = ledger.arbitrage(size)
    assert sum(parts.values()) == size
    relieved = min(abs(size), abs(skew)) if size * skew < 0 else 0
    own = (1 if size > 0 else -1) * (abs(size) - relieved)
    opposed = {origin: abs(held) for origin, held in before.items() if held * size < 0}
    for origin in origins:
        part = parts.get(origin, 0) - (own if origin == VOLUNTARY else 0)
        assert ledger.held(origin) == before[origin] + parts.get(origin, 0)
        if origin not in opposed or not relieved:
            assert part == 0
            continue
        # Its share of what is relieved, to less than a unit, and never more than it held.
        assert part * size >= 0
        assert abs(part) <= opposed[origin]
        assert abs(abs(part) * sum(opposed.values()) - relieved * opposed[origin]) < sum(opposed.values())


def test_the_other_side_has_no_part_in_it():
    """+100 voluntary and -200 forced: an arbitrageur who buys 100 relieves the forced side alone."""
    ledger = SkewLedger(100)
    ledger.forced(3, -200)
    assert ledger.arbitrage(100) == {VOLUNTARY: 0, 3: 100}
    assert (ledger.held(VOLUNTARY), ledger.held(3), ledger.net) == (100, -100, 0)


def test_what_goes_beyond_the_skew_or_adds_to_it_is_voluntary():
    ledger = SkewLedger(0)
    ledger.forced(3, -200)
    assert ledger.arbitrage(-50) == {VOLUNTARY: -50}
    assert ledger.arbitrage(300) == {VOLUNTARY: 50 + 50, 3: 200}
    assert (ledger.held(VOLUNTARY), ledger.held(3)) == (50, 0)


def test_voluntary_trades_leave_forced_skew_where_it_is():
    ledger = SkewLedger(0)
    ledger.forced(3, -200)
    ledger.voluntary(200)
    assert (ledger.net, ledger.held(3)) == (0, -200)
    assert ledger.arbitrage(10) == {VOLUNTARY: 10}  # no skew is left to relieve


def test_a_book_tells_forced_arbitrage_and_voluntary_trades_of_each_market_apart():
    def event(actor, market, size, cause=PositionCause.TRADE, name="PositionChanged"):
        values = {"market": market, "size_delta": size, "cause": cause}
        return SimpleNamespace(name=name, actor=actor, values=values)

    book = SkewBook([100, 0], hedged={7})
    trades = book.book(
        [
            event(1, 1, -60, PositionCause.LIQUIDATION),
            event(2, 1, -20, PositionCause.DELEVERAGE),
            event(2, 1, 5, name="Deposited"),
            event(7, 1, 40),
            event(7, 0, -10),
            event(7, 0, -5, PositionCause.LIQUIDATION),  # whoever hedges can be closed by force as well
            event(3, 0, 4),
        ]
    )
    kinds = [trade.kind for trade in trades]
    forced, carried = TradeKind.FORCED, TradeKind.ARBITRAGE
    assert kinds == [forced, forced, carried, carried, forced, TradeKind.VOLUNTARY]
    assert trades[2].parts == {VOLUNTARY: 0, 1: 30, 2: 10}
    assert book.nets == [100 - 10 - 5 + 4, -40]
    assert book.ledgers[0].held(7) == -5
