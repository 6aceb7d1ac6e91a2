"""Markets that move together: each keeps its own law, and they depend on one another as stated."""

import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy._core import _multiarray_umath as cpu
from scipy import integrate, stats

from sim.core.errors import InputError
from sim.core.rng import Streams
from sim.market.correlation import (
    CommonJumps,
    CorrelationInStress,
    CorrelationSection,
    MarketPair,
    identity,
)
from sim.market.drivers import Driver
from sim.market.effects import NO_SHOCKS, PriceMove, ShockSchedule, VolatilityMultiple
from sim.market.joint_draws import JointDraws, MarketDraw, drawn_paths, jump_compensation
from sim.market.price_history import PriceHistory
from sim.market.price_paths import BlockClock
from sim.market.price_process import PathDraw
from sim.market.price_processes.bootstrap import StationaryBootstrap
from sim.market.price_processes.bridge import BrownianBridge
from sim.market.price_processes.garch_t import GarchStudentT
from sim.market.price_processes.gbm import GeometricBrownianMotion
from sim.market.price_processes.kou import KouJumpDiffusion
from sim.market.price_processes.merton import MertonJumpDiffusion
from sim.market.price_processes.replay import Replay

REPOSITORY = Path(__file__).resolve().parents[4]
BLOCKS = 12_000
CLOCK = BlockClock(start_time=1_583_971_200, seconds_per_block=12, blocks=BLOCKS)
"""The steps users run: twelve seconds, in which a price diffuses and hardly ever jumps."""

GBM = GeometricBrownianMotion(kind="gbm", volatility=0.8)
MERTON = MertonJumpDiffusion(kind="merton", volatility=0.8)
KOU = KouJumpDiffusion(kind="kou", volatility=0.8)
FLAT_GARCH = GarchStudentT(kind="garch_t", volatility=0.8, alpha=0.0, beta=0.0, degrees_of_freedom=5)
GARCH = GarchStudentT(kind="garch_t", volatility=0.8)
BRIDGE = BrownianBridge(kind="bridge", waypoints=((0.0, 2_000.0), (2_500.0, 1_500.0)), volatility=0.8)
DRIVEN = {"gbm": GBM, "merton": MERTON, "kou": KOU, "garch_t": FLAT_GARCH, "bridge": BRIDGE}
of_each_process = pytest.mark.parametrize("process", DRIVEN.values(), ids=DRIVEN.keys())
of_each_copula = pytest.mark.parametrize("copula", ["gaussian", "t"])

RHO = 0.7


def markets(*processes, seed=1, clock=CLOCK, shocks=NO_SHOCKS, names="ABCDEFGH", histories=()):
    """Return the draws of markets A, B, ...; shocks act on the first."""
    streams = Streams(seed)
    return [
        MarketDraw(
            market=name,
            process=process,
            draw=PathDraw(
                clock=clock,
                initial_price=2_000.0,
                streams=streams,
                name=f"price:{name}",
                shocks=shocks if index == 0 else NO_SHOCKS,
                history=histories[index] if histories else None,
            ),
        )
        for index, (name, process) in enumerate(zip(names, processes, strict=False))
    ]


def pair(rho=RHO, between=("A", "B")):
    return MarketPair(between=between, correlation=rho)


def together(copula, rho=RHO, **more):
    return CorrelationSection(copula=copula, pairs=(pair(rho),), **more)


def returns(correlation, draws):
    return [np.diff(np.log(path.prices)) for path in drawn_paths(correlation, draws)]


def bits(paths):
    return [path.prices.tobytes() for path in paths]


def within(sample, mean):
    """Return whether the mean of independent values lies within 4.5 of its standard errors of `mean`."""
    sample = np.asarray(sample)
    return abs(sample.mean() - mean) < 4.5 * sample.std(ddof=1) / math.sqrt(sample.size)


def taus(x, y, batches=24):
    """Return Kendall's tau of each of some batches, which are independent."""
    size = x.size // batches
    cut = [slice(k * size, (k + 1) * size) for k in range(batches)]
    return [stats.kendalltau(x[part], y[part]).statistic for part in cut]


def joint_tail(q, rho, nu):
    """Return P(U2 < q | U1 < q) of the copula by quadrature over X1 (nu None: Gaussian)."""
    law = stats.norm if nu is None else stats.t(nu)
    x = law.ppf(q)

    def below(first):
        spread = math.sqrt(1 - rho * rho)
        if nu is None:
            return stats.norm.cdf((x - rho * first) / spread) * stats.norm.pdf(first)
        scale = spread * math.sqrt((nu + first * first) / (nu + 1))
        return stats.t.cdf((x - rho * first) / scale, nu + 1) * law.pdf(first)

    # Over multiples of the threshold, so that the far tail is no needle.
    value, _ = integrate.quad(lambda m: -x * below(m * x), 1.0, 60.0 if nu else 5.0, limit=200)
    return value / q


# --- what each market keeps ---


@of_each_process
@of_each_copula
def test_each_process_keeps_its_own_law(process, copula):
    """Against paths of other seeds that are drawn alone; p of 6.8e-6 is 4.5 standard errors of a normal."""
    own = returns(together(copula), markets(GBM, process))[1]
    alone = np.concatenate([np.diff(np.log(markets(process, seed=s)[0].process.drawn(
        markets(process, seed=s)[0].draw).prices)) for s in (11, 12, 13)])  # fmt: skip
    assert stats.ks_2samp(own, alone).pvalue > 6.8e-6
    deviation = np.sqrt((alone**2).mean())
    assert within(own**2 / deviation**2, 1.0) or process is FLAT_GARCH  # whose fourth moment is infinite
    assert within(own[1:] * own[:-1] / deviation**2, 0.0)  # no memory


@pytest.mark.parametrize(("copula", "nu"), [("gaussian", 4), ("t", 4), ("t", 5), ("t", 3)])
def test_drivers_have_the_stated_law_exactly(copula, nu):
    """Normals are normal and Student innovations Student's, whatever the copula's own degrees are."""
    given = {"degrees_of_freedom": nu} if copula == "t" else {}
    _, normal, student = returns(
        CorrelationSection(copula=copula, pairs=(pair(), pair(0.6, ("A", "C"))), **given),
        markets(GBM, GBM, FLAT_GARCH),
    )
    deviation = 0.8 * math.sqrt(CLOCK.years_per_block)
    assert stats.kstest(normal / deviation, stats.norm(-0.5 * deviation, 1).cdf).pvalue > 6.8e-6
    innovations = (student / deviation + 0.5 * deviation) * math.sqrt(5 / 3)
    assert stats.kstest(innovations, stats.t(5).cdf).pvalue > 6.8e-6


@pytest.mark.parametrize("nu", [None, 3, 5])
def test_a_driver_goes_through_probabilities(nu):
    scores = np.linspace(-6.0, 6.0, 101)
    law = stats.norm if nu is None else stats.t(nu)
    driver = Driver(lambda n: scores[:n], nu)
    assert np.allclose(driver.normals(101), stats.norm.ppf(law.cdf(scores)), atol=1e-6)
    for other in (3, 5, 30):
        exact = stats.t.ppf(law.cdf(scores), other) * math.sqrt((other - 2) / other)
        assert np.allclose(driver.students(other, 101), exact, rtol=1e-6)


def test_a_garch_path_clusters_under_a_copula_as_it_does_alone():
    clock = replace(CLOCK, blocks=40_000)
    process = GarchStudentT(kind="garch_t", volatility=0.8, alpha=0.08, beta=0.9, degrees_of_freedom=12)
    r = returns(together("t"), markets(GBM, process, clock=clock))[1]
    sizes = np.abs(r)
    alone = np.abs(np.diff(np.log(process.drawn(markets(process, seed=5, clock=clock)[0].draw).prices)))
    near = [[np.corrcoef(x[1:], x[:-1])[0, 1] for x in np.split(s, 20)] for s in (sizes, alone)]
    assert min(map(np.mean, near)) > 0.05
    assert within(np.array(near[0]) - np.array(near[1]), 0.0)


# --- how they depend on one another ---


@of_each_process
@of_each_copula
@pytest.mark.parametrize("rho", [RHO, -0.4])
def test_rank_correlation_of_returns_is_that_of_the_copula(process, copula, rho):
    """Kendall's tau of any elliptical copula is 2 arcsin(rho) / pi."""
    x, y = returns(together(copula, rho), markets(GBM, process))
    assert within(taus(x, y), 2 / math.pi * math.asin(rho))


def test_driving_normals_of_a_gaussian_copula_have_the_stated_correlations():
    rows = ((1.0, 0.8, -0.3), (0.8, 1.0, 0.1), (-0.3, 0.1, 1.0))
    joint = JointDraws(CorrelationSection(copula="gaussian", matrix=rows), markets(GBM, MERTON, KOU))
    z = [joint.scores(market, 40_000) for market in range(3)]
    for i in range(3):
        for j in range(3):
            assert within(z[i] * z[j], rows[i][j])


def test_the_joint_tail_of_a_t_copula_goes_to_its_closed_form_and_of_a_gaussian_one_to_nothing():
    """lambda = 2 t_{nu+1}(-sqrt((nu + 1) (1 - rho) / (1 + rho))), of which finite levels are above."""
    for nu, rho in ((4, RHO), (3, 0.0), (8, 0.9)):
        closed = 2 * stats.t.cdf(-math.sqrt((nu + 1) * (1 - rho) / (1 + rho)), nu + 1)
        assert joint_tail(1e-9, rho, nu) == pytest.approx(closed, rel=0.02)
    assert joint_tail(1e-9, RHO, None) < 0.02


@of_each_process
@pytest.mark.parametrize(("copula", "nu"), [("gaussian", None), ("t", 4)])
def test_joint_falls_are_as_frequent_as_the_copula_says(process, copula, nu):
    """At the lowest hundredth of both markets, in returns; the levels are the sample's own quantiles."""
    draws = [markets(GBM, process, seed=seed) for seed in range(1, 5)]
    joint = []
    for one in draws:
        x, y = returns(together(copula), one)
        low_x, low_y = x <= np.quantile(x, 0.01), y <= np.quantile(y, 0.01)
        joint.append((low_x & low_y).sum() / low_x.sum())
    expected = joint_tail(0.01, RHO, nu)
    error = math.sqrt(expected * (1 - expected) / (0.01 * BLOCKS * len(draws)))
    assert abs(np.mean(joint) - expected) < 4.5 * error
    other = joint_tail(0.01, RHO, 4 if nu is None else None)
    assert abs(np.mean(joint) - other) > 1.5 * error  # and not as the other copula says


@pytest.mark.parametrize(("nu", "rho"), [(4, 0.85), (3, 0.0), (8, 0.5)])
def test_the_far_tail_of_a_t_copula_is_that_of_its_degrees_of_freedom(nu, rho):
    n = 400_000
    section = CorrelationSection(copula="t", degrees_of_freedom=nu, pairs=(pair(rho),))
    joint = JointDraws(section, markets(GBM, GBM))
    level = stats.t.ppf(0.001, nu)
    both = (joint.scores(0, n) < level) & (joint.scores(1, n) < level)
    expected = 0.001 * joint_tail(0.001, rho, nu)
    assert abs(both.mean() - expected) < 4.5 * math.sqrt(expected / n)


def test_each_parameter_alone_changes_the_path_of_another_market():
    jumps = CommonJumps(intensity=200_000.0, loadings={"B": 1.0})
    stress = CorrelationInStress(pairs=(pair(0.95),), calm_volatility=0.4)
    base = together("t", stress=stress, jumps=jumps)
    clock = replace(CLOCK, blocks=1_000)

    def last(section):
        return drawn_paths(section, markets(GBM, GBM, clock=clock))[1].prices[-1]

    changed = [
        base.model_copy(update={"copula": "gaussian"}),
        base.model_copy(update={"degrees_of_freedom": 7}),
        base.model_copy(update={"pairs": (pair(0.6),)}),
        base.model_copy(update={"pairs": (), "matrix": ((1.0, 0.5), (0.5, 1.0))}),
        *(
            base.model_copy(update={"stress": stress.model_copy(update={key: value})})
            for key, value in {
                "pairs": (pair(0.9),),
                "calm_volatility": 0.5,
                "stress_volatility": 1.0,
                "half_life_seconds": 600,
            }.items()
        ),
        *(
            base.model_copy(update={"jumps": jumps.model_copy(update={key: value})})
            for key, value in {
                "intensity": 100_000.0,
                "mean": 0.0,
                "deviation": 0.01,
                "loadings": {"B": 0.5},
            }.items()
        ),
    ]
    assert len({last(section) for section in (base, *changed)}) == len(changed) + 1
    as_matrix = base.model_copy(update={"pairs": (), "matrix": ((1.0, RHO), (RHO, 1.0))})
    assert last(as_matrix) == last(base)  # two ways to say one thing


# --- what shifts no draw ---


def test_without_correlation_every_path_has_the_bits_it_has_alone():
    draws = markets(GBM, MERTON, KOU, GARCH, BRIDGE)
    alone = [one.process.path(CLOCK, initial_price=2_000.0, streams=Streams(1), name=one.draw.name)
             for one in draws]  # fmt: skip
    assert bits(drawn_paths(None, draws)) == bits(alone)
    uncorrelated = CorrelationSection(copula="gaussian", matrix=identity(5))
    joint = bits(drawn_paths(uncorrelated, draws))
    assert [joint[i] for i in (0, 1, 2, 4)] == [bits(alone)[i] for i in (0, 1, 2, 4)]


@of_each_copula
def test_a_market_added_last_changes_none_before_it(copula):
    three = CorrelationSection(copula=copula, pairs=(pair(), pair(0.5, ("A", "C")), pair(-0.2, ("B", "C"))))
    two = bits(drawn_paths(together(copula), markets(GBM, KOU)))
    assert bits(drawn_paths(three, markets(GBM, KOU, MERTON)))[:2] == two
    turned = bits(drawn_paths(together(copula), markets(KOU, GBM, names="BA")))
    assert turned[::-1] != two  # in value, though not in law


@of_each_copula
@pytest.mark.parametrize("process", [GBM, GARCH, BRIDGE], ids=["gbm", "garch_t", "bridge"])
def test_a_path_does_not_depend_on_how_long_the_run_is(copula, process):
    stress = CorrelationInStress(pairs=(pair(0.95),), calm_volatility=0.4)
    jumps = CommonJumps(intensity=200_000.0, loadings={"A": 1.0})
    section = together(copula, stress=stress, jumps=jumps)
    short, long = (
        drawn_paths(section, markets(GBM, process, clock=replace(CLOCK, blocks=n))) for n in (500, 900)
    )
    for one, other in zip(short, long, strict=True):
        assert one.prices.tobytes() == other.prices[:501].tobytes()


def test_the_market_itself_may_be_asked_first_or_last():
    section = together("t", stress=CorrelationInStress(pairs=(pair(0.95),)))
    joint = JointDraws(section, markets(GBM, KOU))
    backwards = [joint.path(1), joint.path(0)][::-1]
    assert bits(backwards) == bits(drawn_paths(section, markets(GBM, KOU)))
    assert bits([joint.path(1)]) == bits(backwards[1:])


PROBE = """
import hashlib
from sim.core.rng import Streams
from sim.market.correlation import CommonJumps, CorrelationInStress, CorrelationSection, MarketPair
from sim.market.joint_draws import MarketDraw, drawn_paths
from sim.market.price_paths import BlockClock
from sim.market.price_process import PathDraw
from sim.market.price_processes.garch_t import GarchStudentT
from sim.market.price_processes.gbm import GeometricBrownianMotion
between = ("A", "B")
section = CorrelationSection(
    copula="t",
    degrees_of_freedom=3,
    pairs=(MarketPair(between=between, correlation=0.7),),
    stress=CorrelationInStress(pairs=(MarketPair(between=between, correlation=0.9),), calm_volatility=0.4),
    jumps=CommonJumps(intensity=200_000.0, loadings={"B": 1.0}),
)
clock, streams = BlockClock(start_time=0, seconds_per_block=12, blocks=3_000), Streams(1)
draws = [
    MarketDraw(
        market=name,
        process=process,
        draw=PathDraw(clock=clock, initial_price=1e3, streams=streams, name=f"price:{name}"),
    )
    for name, process in (
        ("A", GeometricBrownianMotion(kind="gbm")),
        ("B", GarchStudentT(kind="garch_t", degrees_of_freedom=5)),
    )
]
print(hashlib.sha256(b"".join(path.prices.tobytes() for path in drawn_paths(section, draws))).hexdigest())
"""


def test_paths_have_the_same_bits_on_every_processor():
    dispatch = [name for name in cpu.__cpu_dispatch__ if cpu.__cpu_features__[name]]
    if not dispatch:
        pytest.skip("numpy dispatches on no feature of this processor, so there is nothing to turn off")
    digests = set()
    for disabled, hash_seed in (("", "0"), (" ".join(dispatch), "1")):
        environment = dict(os.environ, PYTHONPATH=str(REPOSITORY), PYTHONHASHSEED=hash_seed)
        environment.pop("NPY_DISABLE_CPU_FEATURES", None)
        if disabled:
            environment["NPY_DISABLE_CPU_FEATURES"] = disabled
        done = subprocess.run(
            [sys.executable, "-c", PROBE], env=environment, check=True, capture_output=True, text=True
        )
        digests.add(done.stdout)
    assert len(digests) == 1


# --- correlations that rise in stress ---


def test_stress_knows_the_block_before_and_none_after_it():
    stress = CorrelationInStress(pairs=(pair(0.99),), calm_volatility=2.0, stress_volatility=3.0)
    section = together("gaussian", 0.0, stress=stress)
    calm = markets(GBM, GBM)
    crash = markets(GBM, GBM, shocks=ShockSchedule((PriceMove(at_block=100, size=-0.1),)))
    before, after = (JointDraws(section, one) for one in (calm, crash))
    assert not before.stress_shares(BLOCKS).any()
    shares = after.stress_shares(BLOCKS)
    assert not shares[:100].any()  # the return into block 100 is the crash itself
    assert shares[100] == 1.0
    assert 0.0 < shares[-1] < 1.0 or not shares[-1]
    x, y = (joint.path(1).prices for joint in (before, after))
    assert (x[:101] == y[:101]).all()
    assert x[101] != y[101]
    assert np.array_equal(before.path(1).prices, drawn_paths(together("gaussian", 0.0), calm)[1].prices)


@of_each_copula
def test_in_full_stress_the_correlations_are_those_of_stress(copula):
    stress = CorrelationInStress(pairs=(pair(-0.5),), half_life_seconds=600)
    turmoil = ShockSchedule((VolatilityMultiple(at_block=1, duration_blocks=BLOCKS, size=5.0),))
    draws = markets(GBM, GBM, shocks=turmoil)
    joint = JointDraws(together(copula, stress=stress), draws)
    full = joint.stress_shares(BLOCKS) == 1.0
    assert full[400:].all()
    x, y = (np.diff(np.log(joint.path(market).prices))[400:] for market in (0, 1))
    assert within(taus(x, y), 2 / math.pi * math.asin(-0.5))


def test_on_the_way_to_stress_the_share_is_that_of_the_volatility():
    stress = CorrelationInStress(pairs=(pair(0.9),), calm_volatility=0.5, stress_volatility=1.1)
    joint = JointDraws(together("gaussian", 0.1, stress=stress), markets(GBM, GBM))
    shares = joint.stress_shares(BLOCKS)
    assert shares[0] == 0.0  # it starts calm
    r = np.diff(np.log(joint.path(0).prices))
    kept = 0.5 ** (12 / 3_600)
    variance = 0.25
    for i, square in enumerate(r**2 / CLOCK.years_per_block):
        expected = min(1.0, max(0.0, (math.sqrt(variance) - 0.5) / 0.6))
        assert shares[i] == pytest.approx(expected, abs=1e-9)
        variance = kept * variance + (1 - kept) * square
    assert 0.3 < shares[2_000:].mean() < 0.7  # 80 % a year is half of the way
    z = [joint.scores(market, BLOCKS) for market in (0, 1)]
    rho = 0.1 + 0.8 * shares
    assert within(z[0] * z[1] - rho, 0.0)
    assert within(z[1] ** 2, 1.0)


# --- common jumps ---


def test_common_jumps_come_at_the_same_blocks_and_leave_the_expected_price():
    jumps = CommonJumps(intensity=100_000.0, mean=-0.002, deviation=0.003, loadings={"A": 1.0, "B": -0.5})
    still = GeometricBrownianMotion(kind="gbm", volatility=0.0)
    section = CorrelationSection(copula="gaussian", jumps=jumps)
    a, b, c = returns(section, markets(still, still, still))
    years = CLOCK.years_per_block
    size = a + jump_compensation(jumps, 1.0) * years
    assert np.allclose(b + jump_compensation(jumps, -0.5) * years, -0.5 * size, atol=1e-12)
    assert np.abs(c).max() < 1e-12  # a market without a loading
    hit = np.abs(size) > 1e-9
    rate = 100_000.0 * years
    assert abs(hit.mean() - (1 - math.exp(-rate))) < 4.5 * math.sqrt(rate / BLOCKS)
    assert within(size, rate * -0.002)
    assert within(size**2, rate * (0.002**2 + 0.003**2) + (rate * 0.002) ** 2)
    assert within(np.exp(a), 1.0)
    assert within(np.exp(b), 1.0)


def test_jumps_scale_with_loading_on_top_of_any_process_that_takes_them():
    jumps = CommonJumps(intensity=100_000.0, loadings={"A": 1.0, "B": 2.0, "C": 1.0, "D": 1.0})
    processes = (GBM, MERTON, KOU, GARCH)
    with_jumps = returns(CorrelationSection(copula="gaussian", jumps=jumps), markets(*processes))
    without = returns(CorrelationSection(copula="gaussian"), markets(*processes))
    added = [one - other for one, other in zip(with_jumps, without, strict=True)]
    # On GARCH too: what its variance sees is its own innovation.
    big = np.abs(added[0]) > 1e-3
    assert big.any()
    for extra, loading in zip(added, (1.0, 2.0, 1.0, 1.0), strict=True):
        assert np.allclose(extra[big], loading * added[0][big], atol=1e-3 * loading)


# --- paths that are given, and moments of files ---


def recorded(prices, start=1_600_000_000, step=12, name="file.csv"):
    prices = np.asarray(prices, dtype=float)
    return PriceHistory(
        source=Path(name),
        rows=prices.size,
        times=(start + step * np.arange(prices.size)) * 1_000_000,
        prices=prices,
        walked=np.zeros(prices.size, dtype=bool),
    )


BOOTSTRAP = StationaryBootstrap(kind="bootstrap", file="file.csv", mean_block_seconds=600)
REPLAY = Replay(kind="replay", file="file.csv")


def walk(seed, n=2_000):
    return 100.0 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 1e-3, n)))


def test_a_market_whose_path_is_given_stays_as_it_is_and_leaves_the_others_theirs():
    """As one does whose price a file on the command line replaces."""
    clock = replace(CLOCK, start_time=1_600_000_000, blocks=1_500)
    history = recorded(walk(1))
    given = markets(REPLAY, GBM, MERTON, clock=clock, histories=(history, None, None))
    drawn = markets(GBM, GBM, MERTON, clock=clock)
    section = CorrelationSection(copula="t", pairs=(pair(), pair(0.6, ("B", "C"))))
    paths = drawn_paths(section, given)
    assert np.array_equal(paths[0].prices, history.prices[:1_501])
    assert bits(paths)[1:] == bits(drawn_paths(section, drawn))[1:]


def test_a_given_path_may_lead_into_stress():
    clock = replace(CLOCK, start_time=1_600_000_000, blocks=1_500)
    stress = CorrelationInStress(pairs=(pair(0.95, ("B", "C")),), half_life_seconds=120)
    section = CorrelationSection(copula="gaussian", pairs=(pair(0.0),), stress=stress)
    wild = JointDraws(
        section, markets(REPLAY, GBM, GBM, clock=clock, histories=(recorded(walk(1)), None, None))
    )
    assert wild.stress_shares(1_500).mean() > 0.4  # a tenth of a per cent in twelve seconds is 162 % a year


def test_bootstraps_repeat_the_same_moments_where_they_are_to():
    """Each path keeps its law, and what two files did together they do together again."""
    base = walk(1)
    other = base**0.5 * walk(2) ** 0.5
    histories = (recorded(base), recorded(other))
    draws = markets(BOOTSTRAP, BOOTSTRAP, histories=histories)
    alone = returns(CorrelationSection(copula="gaussian"), draws)
    same = returns(CorrelationSection(copula="gaussian", same_moments=True), draws)
    in_files = np.corrcoef(*(np.diff(np.log(one.prices)) for one in histories))[0, 1]
    assert abs(np.corrcoef(*alone)[0, 1]) < 0.1
    assert np.corrcoef(*same)[0, 1] == pytest.approx(in_files, abs=0.05)
    identical = returns(
        CorrelationSection(copula="gaussian", same_moments=True),
        markets(BOOTSTRAP, BOOTSTRAP, histories=(histories[0], histories[0])),
    )
    assert np.array_equal(*identical)


@pytest.mark.parametrize(
    ("second", "process"),
    [
        (recorded(walk(2), start=1_600_000_012), BOOTSTRAP),
        (recorded(walk(2, 1_999)), BOOTSTRAP),
        (recorded(walk(2)), BOOTSTRAP.model_copy(update={"mean_block_seconds": 720})),
    ],
    ids=["another start", "another length", "another block"],
)
def test_moments_of_files_that_do_not_match_are_refused(second, process):
    draws = markets(BOOTSTRAP, process, histories=(recorded(walk(1)), second))
    with pytest.raises(InputError, match=r"correlation\.same_moments: files of A and B must begin"):
        drawn_paths(CorrelationSection(copula="gaussian", same_moments=True), draws)
