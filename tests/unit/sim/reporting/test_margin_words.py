"""Each sentence on margin: there where its mechanism is switched on, nowhere else, with recorded numbers."""

import json
import shutil

import pandas as pd
import pytest

from sim.core.errors import InputError
from sim.core.units import WAD
from sim.reporting.findings.run import run_findings
from sim.reporting.findings.run.margin_figures import margin_figure
from sim.reporting.findings.run.margin_words import margin_words
from sim.reporting.run_folder import load_run
from tests.support.sealed import edit_sealed, seal, write_conforming

HEADING = "How margin was asked for"
TIERS = {"tier_1_initial": 0.02, "tier_1_maintenance": 0.01} | {
    f"tier_{tier}_{name}": value
    for tier, lower, initial in ((2, 1e6, 0.05), (3, 1e7, 0.1), (4, 2e7, 0.2))
    for name, value in (("notional", lower), ("initial", initial), ("maintenance", initial / 2))
}
LIGHTS = {
    "window_seconds": 86_400,
    "yellow_count": 5,
    "red_count": 10,
    "yellow_multiplier": 1.13,
    "red_multiplier": 1.33,
}
WHALES, TRADERS = {"name": "first"}, {"name": "retail"}
TRUE_RANGE = {"true_range_weight": 1.0}


def leg(account, market, notional, ratio, requirement, **other):
    words = {"account": account, "market": market, "kind": 1, "requirement": round(requirement * WAD)}
    return {**words, "notional": round(notional * WAD), "ratio": round(ratio * WAD), **other}


@pytest.fixture
def words_of(crash_run, tmp_path):
    """Return a function that gives the words on a run with this scenario and these logs."""

    def words(*, events=(), exceptions=(0, 0), samples=0, assumptions=(), **scenario):
        return margin_words(load_run(folder(events, exceptions, samples, assumptions, **scenario)))

    def folder(events=(), exceptions=(0, 0), samples=0, assumptions=(), **scenario):
        place = tmp_path / "run"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(crash_run, place)
        markets = scenario.pop("markets", [{}])
        if len(markets) > 1:
            blocks = pd.read_parquet(place / "blocks.parquet")
            several = [blocks.assign(market=market) for market in range(len(markets))]
            write_conforming(pd.concat(several), place, "blocks")
        named = [{"name": ("ETH", "BTC", "SOL")[place]} | one for place, one in enumerate(markets)]
        rows = [
            {"block": block, "position": 0, "event": name, "data": json.dumps(values)}
            for block, name, values in events
        ]
        write_conforming(pd.DataFrame(rows, columns=["block", "position", "event", "data"]), place, "events")
        counts = pd.DataFrame({"block": [1, 2], "exceptions": [str(count) for count in exceptions]})
        write_conforming(counts, place, "protocol_states")
        sent = pd.read_parquet(place / "transactions.parquet")
        sent.loc[: samples - 1, "kind"] = "volatility_oracle.update_pair"
        sent.loc[: samples - 1, "status"] = True
        write_conforming(sent, place, "transactions")
        seal(place)
        edit_sealed(
            place,
            "manifest.json",
            lambda manifest: (
                manifest["scenario"].update(markets=named, **scenario),
                manifest["assumptions"].extend(assumptions),
            ),
        )
        return place

    words.folder = folder
    return words


def plain(found):
    (sentence,) = found
    return sentence.replace("\u202f", " ").replace("\u00a0", " ")


def test_nothing_is_said_where_nothing_is_switched_on(crash_run, words_of):
    assert words_of() == []
    assert HEADING not in [section.heading for section in run_findings(crash_run).sections]


def test_nothing_is_said_of_keys_that_are_there_and_off(words_of):
    off = {key: 1.0 if "multiplier" in key else value for key, value in LIGHTS.items()}
    weights = {"estimator": {"true_range_weight": 0.0}, "performance": off}
    assert words_of(
        markets=[weights, weights],
        traders=[TRADERS | {"mode": "cross"}],
        whales=[WHALES | {"declared": False}],
        protocol={"risk_model": "adaptive", "portfolio": {"estimated": False, "pairs": []}},
    ) == []  # fmt: skip


def test_the_section_stands_on_the_page_and_in_the_terminal(words_of):
    found = run_findings(words_of.folder(traders=[TRADERS | {"mode": "isolated"}]))
    (section,) = [section for section in found.sections if section.heading == HEADING]
    assert section.terminal


def test_modes_are_counted_by_the_accounts_there_are(words_of):
    found = words_of(traders=[TRADERS | {"mode": "isolated"}], whales=[WHALES])
    assert plain(found) == (
        "3 accounts (first whale) began in cross margin and 197 accounts (retail traders) began in isolated "
        "margin."
    )


def test_a_hedge_is_told_over_the_sum_of_its_legs(words_of):
    whales = [WHALES | {"mode": "portfolio"}]
    sixty, half = [leg(197, 0, 1_000, 0.02, 24), leg(197, 1, 1_000, 0.02, 24)], []
    half += [leg(198, 0, 1_000, 0.02, 20), leg(198, 1, 1_000, 0.02, 20)]
    of_others = [leg(3, 0, 1_000, 0.02, 1), leg(3, 1, 1_000, 0.02, 1)]
    alone, leaving = (
        [leg(199, 0, 500, 0.02, 10)],
        [leg(197, 0, 1, 1, 9, kind=2), leg(197, 1, 1, 1, 9, kind=2)],
    )
    checks = [*sixty, *half, *of_others, *alone, *leaving]
    found = words_of(whales=whales, events=[(5, "MarginChecked", one) for one in checks])
    assert plain(found) == (
        "3 accounts (first whale) began in portfolio margin; 2 recorded checks found one in portfolio margin "
        "with several positions, and asked for 50.0 % to 60.0 % of what these would be asked for one by one."
    )
    twice = words_of(whales=whales, events=[(5, "MarginChecked", one) for one in [*sixty, *sixty]])
    assert "2 recorded checks" in plain(twice)
    assert "asked for 60.0 % of what" in plain(twice)
    none = words_of(whales=whales, events=[(5, "MarginChecked", one) for one in alone])
    assert plain(none).endswith("; no recorded check found one in portfolio margin with several positions.")


def test_tiers_are_those_the_run_noted(words_of):
    noted = [
        {"parameter": f"markets.0.risk_model_parameters.{name}", "value": value}
        for name, value in TIERS.items()
    ]
    checks = [(5, "MarginChecked", leg(3, 0, notional, 0.02, 1)) for notional in (40_000, 3_020_000, 7)]
    found = words_of(protocol={"risk_model": "tiered"}, assumptions=noted, events=checks)
    assert plain(found) == (
        "Size tiers in ETH ask for initial and maintenance margin of at least 2.0 % and 1.0 %, 5.0 % and "
        "2.5 % beyond 1.00 m USDC, 10.0 % and 5.0 % beyond 10.0 m USDC, 20.0 % and 10.0 % beyond 20.0 m "
        "USDC, each part of a position at the ratios of its own tier; the largest position that a check "
        "recorded was 3.02 m USDC."
    )
    unchecked = words_of(protocol={"risk_model": "tiered"}, assumptions=noted)
    assert plain(unchecked).endswith("no check was recorded.")
    assert words_of(protocol={"risk_model": "adaptive"}, assumptions=noted, events=checks) == []


def test_a_cluster_is_told_with_the_checks_that_counted_it(words_of):
    whales = [WHALES | {"declared": True}]
    quiet = plain(words_of(whales=whales))
    assert quiet == (
        "3 accounts (first whale) are declared as one cluster: whichever adds risk is asked for initial "
        "margin at the size of all on its side; after the set-up, whose checks are not recorded, that asked "
        "nobody for more."
    )
    counted = [
        (7, "ClusterCounted", {"account": account, "cluster": 1, "market": 0, "notional": size * WAD})
        for account, size in ((198, 2_000_000), (199, 3_000_000), (3, 9_000_000))
    ]
    found = plain(words_of(whales=whales, events=counted))
    assert found.endswith("that asked for more at 2 recorded checks, at a size of up to 3.00 m USDC.")
    assert words_of(whales=[WHALES], events=counted) == []


def updates(market, *volatilities):
    return [
        (block, "VarianceUpdated", {"market": market, "chosen": round(level**2 * WAD)})
        for block, level in enumerate(volatilities, start=1)
    ]


def test_a_market_that_chooses_names_its_estimates(words_of):
    events = updates(0, 0.5, 1.2, 0.9)
    found = words_of(markets=[{"estimator": TRUE_RANGE}, {}], events=[*events, *updates(1, 7.0)])
    assert plain(found) == (
        "ETH takes true range for its variance: it was updated 3 times, to a volatility of 50.0 % a year at "
        "least, 120.0 % at most and 90.0 % at last."
    )
    assert plain(words_of(markets=[{"estimator": TRUE_RANGE}])).endswith("variance: nobody updated it.")


@pytest.mark.parametrize(
    ("weight", "name"),
    [
        ("fast_weight", "fast EWMA"),
        ("slow_weight", "slow EWMA"),
        ("range_weight", "range"),
        ("implied_weight", "implied volatility"),
    ],
)
def test_every_estimate_that_has_a_weight_is_named(words_of, weight, name):
    found = plain(words_of(markets=[{"estimator": {weight: 1.25, **TRUE_RANGE}}]))
    assert f"{name} (times 1.25)" in found
    assert "takes the largest of" in found


def test_reports_of_implied_volatility_are_counted_where_they_count(words_of):
    reports = [(3, "ImpliedReported", {"market": 0, "variance": WAD})] * 2
    found = words_of(markets=[{"estimator": {"implied_weight": 1.0}}], events=reports)
    assert plain(found).endswith("; implied volatility was reported 2 times.")
    assert "reported" not in plain(words_of(markets=[{"estimator": TRUE_RANGE}], events=reports))


def test_historical_performance_is_told_by_zone(words_of):
    changes = [(313, 6, 1.13), (359, 11, 1.33), (400, 4, 1.2)]
    events = [
        (block, "PerformanceUpdated", {"market": 0, "count": count, "multiplier": round(by * WAD)})
        for block, count, by in changes
    ]
    market = {"performance": LIGHTS}
    found = plain(words_of(markets=[market], events=events, exceptions=(0, 92)))
    assert found == (
        "ETH multiplies the volatility that margin is asked with by 1.13 once 5 liquidations within 24 hours "
        "have left a deficit (yellow), and by 1.33 once 10 have (red): it turned yellow in block 313 with 6 "
        "and red in block 359 with 11; the multiplier changed last in block 400, to 1.20 (green); the run "
        "ended with 92 such liquidations."
    )
    never = plain(words_of(markets=[market, {}]))
    assert never.endswith("the multiplier never changed; the run ended with 0 such liquidations in all "
                          "markets together.")  # fmt: skip


def test_correlations_are_told_by_pair(words_of):
    def update(level, estimate, valid_until):
        words = {"first": 0, "second": 1, "level": round(level * WAD), "estimate": round(estimate * WAD)}
        return (9, "CorrelationUpdated", words | {"valid_until": valid_until})

    protocol = {"portfolio": {"estimated": True, "pairs": [{"between": ["BTC", "ETH"], "correlation": 0.9}]}}
    events = [update(1.0, 0.4, 2**40), update(0.9, 0.41, 2**40)]
    found = plain(words_of(markets=[{}, {}, {}], protocol=protocol, events=events, samples=49))
    assert found == (
        "Margin believes of two markets the correlation that is stated or the one that is estimated, "
        "whichever is less: 49 samples were taken; ETH and BTC, stated as 0.90, were estimated 2 times, the "
        "last time at 0.90 (0.41 before the limit of its fall); ETH and SOL, stated as 0.00, were never "
        "estimated; BTC and SOL, stated as 0.00, were never estimated."
    )
    old = plain(words_of(markets=[{}, {}], protocol=protocol, events=[update(0.4, 0.4, 5)], samples=1))
    assert old.endswith("1 sample was taken; ETH and BTC, stated as 0.90, were estimated once, the last time "
                        "at 0.40, forgotten before the end.")  # fmt: skip
    protocol["portfolio"]["estimated"] = False
    assert words_of(markets=[{}, {}], protocol=protocol, events=events, samples=49) == []


@pytest.mark.parametrize(
    "values", [{"market": 0}, {"market": 0, "chosen": "1"}, {"market": 0, "chosen": 2**256}, [1]]
)
def test_a_log_that_no_contract_emits_is_refused(words_of, values):
    with pytest.raises(InputError, match=r"events\.parquet"):
        words_of(markets=[{"estimator": TRUE_RANGE}], events=[(1, "VarianceUpdated", values)])


@pytest.mark.parametrize("other", ["x", 3, [3], {"name": 3}, [{"name": "retail", "mode": 5}]])
def test_a_scenario_of_other_things_is_no_crash(words_of, other):
    words_of(traders=other, whales=other, protocol=other)
    words_of(protocol={"portfolio": other, "risk_model": other}, markets=[{"estimator": other}])
    words_of(protocol={"portfolio": {"estimated": True, "pairs": other}}, markets=[{}, {}])
    between = {"estimated": True, "pairs": [{"between": other, "correlation": other}]}
    words_of(protocol={"portfolio": between}, markets=[{}, {}])


def test_a_figure_says_whether_margin_follows_the_volatility_it_draws(words_of):
    def caption(**market):
        return margin_figure(load_run(words_of.folder(markets=[market])), 0).caption

    assert caption().endswith("Volatility is the contracts' own estimate from reported prices.")
    ranged = caption(estimator=TRUE_RANGE)
    assert ranged.endswith("margin follows what this market chooses instead, which is not drawn.")
    implied = caption(estimator={"implied_weight": 1.0})
    assert implied.endswith("which is not drawn, and may be what a reporter says that options imply.")
