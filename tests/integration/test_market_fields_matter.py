"""Every declared field of price processes, impact laws, shocks and routes, changed alone, changes the digest.

The fields are read off the registries, so that a new declaration is tested without being named here, unless
it needs other values than its defaults to bind: those stand in ``BASES``.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from sim.core.documents.sections import Section
from sim.core.documents.toml_text import toml_value
from sim.engine.paths import PathOptions, WarmStarts, run_path
from sim.engine.scenario.flow import FlowSection
from sim.engine.scenario.load import load_scenario
from sim.market.impact_law import IMPACT_LAWS
from sim.market.price_process import PRICE_PROCESSES
from sim.market.shock import SHOCKS
from tests.support.small_run import SCENARIO

BLOCKS = 24
START = 1_704_067_200
TINY = (
    f"blocks={BLOCKS}", "traders.0.count=20", "liquidators.count=2", "arbitrageurs.count=1",
    "liquidity_providers.count=2",
)  # fmt: skip
FALLING = ("shocks=[{kind='price_jump', at_block=4, size=-0.16}]",)
WILD = ('markets.0.price={kind="gbm", volatility=4.0}',)
TUMBLING = ('markets.0.price={kind="bridge", waypoints=[[0.0, 2_000.0], [1.0, 1_500.0]]}',)
_WILD_MARKET = 'price={kind="gbm", volatility=6.0}, impact={depth_per_percent=2e5}'
_ETH = f'{{name="ETH", initial_price=2_000.0, {_WILD_MARKET}}}'
_BTC = f'{{name="BTC", initial_price=40_000.0, {_WILD_MARKET}}}'
TWO_MARKETS = (f"markets=[{_ETH}, {_BTC}]",)
OTHER_VALUES: dict[str, Any] = {
    "waypoints": [[0.0, 2_000.0], [3.0, 1_600.0]],
    "file": "other.csv",
    "market": 1,
    "at_block": 5,
    "at_minute": 1.4,
    "least_order": 1e6,
    "inside_bars": "straight",
}
"""What a field is changed to that is no plain number, or of which half as much again means the same."""

SHALLOW = {
    # Wild prices are six times as volatile as the reference: a fifth of depth is left, and returns between.
    "depth_per_percent": 2e5, "depth_withdrawal": 0.3, "refill_half_life_seconds": 60,
    "volatility_half_life_seconds": 24,
}  # fmt: skip
BASES: dict[str, dict[str, Any]] = {
    # Jumps of twelve seconds' width need many a year.
    "garch_t": {"beta": 0.5},
    "merton": {"jump_intensity": 500_000.0, "jump_mean": -0.005, "jump_deviation": 0.01},
    "kou": {"jump_intensity": 500_000.0, "jump_mean_up": 0.005, "jump_mean_down": 0.01},
    "bridge": {"waypoints": [[0.0, 2_000.0], [3.0, 1_700.0]]},
    "replay": {"file": "prices.csv"},
    "bootstrap": {"file": "prices.csv", "mean_block_seconds": 60},
    "none": SHALLOW, "linear": SHALLOW, "square_root": SHALLOW,
    "price_jump": {"at_block": 4, "size": -0.16},
    "price_drift": {"at_block": 4, "duration_minutes": 1.0, "size": -0.16},
    "volatility": {"at_block": 4, "duration_minutes": 1.0, "size": 3.0},
    "depth": {"at_block": 4, "duration_minutes": 1.0, "size": 0.3},
    "gas_demand": {"at_block": 4, "duration_minutes": 1.0, "size": 2.0, "fee_size": 2.0},
    "keeper_outage": {"at_block": 4, "duration_minutes": 1.0, "size": 0.5},
    "liquidator_outage": {"at_block": 3, "duration_minutes": 1.0, "size": 0.4},
    "flow": {"liquidator_share": 0.3},
}  # fmt: skip

ONLY_REFUSES = {
    "replay.max_gap_seconds": "which files are read at all",
    "bootstrap.max_gap_seconds": "which files are read at all",
}
"""Numbers that let a file in or keep it out; what is read is the same."""


def fields_of(name: str, section: type[Section], tag: str | None) -> Iterator[str]:
    """Yield the fields that decide something: all but the tag and the words."""
    for key in section.model_fields:
        if key not in (tag, "description") and f"{name}.{key}" not in ONLY_REFUSES:
            yield key


def changed(section: type[Section], key: str, value: Any) -> Any:
    """Return another value of a field within its bounds."""
    if isinstance(value, bool):
        return not value
    if key in OTHER_VALUES:
        return OTHER_VALUES[key]
    bounds = {type(item).__name__: item for item in section.model_fields[key].metadata}
    highest = bounds["Le"].le
    other = 1.5 * value if value else min(1.0, 0.5 * highest)
    other = other if other <= highest else 0.5 * value
    return max(value + 1, round(other)) if isinstance(value, int) else other


def cases() -> Iterator[tuple[str, type[Section], str, str | None, str]]:
    for process in PRICE_PROCESSES:
        for key in fields_of(process.name, process, "kind"):
            yield process.name, process, key, "kind", "markets.0.price"
    for law in IMPACT_LAWS:
        for key in fields_of(law.name, law, "law"):
            yield law.name, law, key, "law", "markets.0.impact"
    for shock in SHOCKS:
        for key in fields_of(shock.name, shock, "kind"):
            yield shock.name, shock, key, "kind", "shocks"
    for key in fields_of("flow", FlowSection, None):
        yield "flow", FlowSection, key, None, "flow"


@pytest.fixture(scope="module")
def digest_of(tmp_path_factory):
    """Return a function from overrides to the digest of a run; equal ones are run once."""
    folder = tmp_path_factory.mktemp("market_fields")
    for name, factor in (("prices", 1.0), ("other", 1.5)):
        rows = [f"{START + 12 * i},{2_000.0 - factor * 9.0 * (i * i % 17)}" for i in range(BLOCKS + 8)]
        (folder / f"{name}.csv").write_text("timestamp,price\n" + "\n".join(rows) + "\n")
    bars = [
        f"{START + 60 * i},2000,{2_000 + 20 * (i % 3)},{1_900 - 15 * (i % 5)},2000" for i in range(BLOCKS)
    ]
    (folder / "bars.csv").write_text("timestamp,open,high,low,close\n" + "\n".join(bars) + "\n")
    scenario = folder / "tiny.toml"
    scenario.write_text(SCENARIO.read_text())
    warm, known = WarmStarts(), {}

    def digest(*overrides: str) -> str:
        if overrides not in known:
            made = load_scenario(
                scenario, overrides=[item.replace("FOLDER", str(folder)) for item in overrides]
            )
            known[overrides] = run_path(made, PathOptions(path=0), warm).digest
        return known[overrides]

    yield digest
    warm.close()


@pytest.mark.parametrize(
    ("name", "section", "key", "tag", "place"),
    [pytest.param(*case, id=f"{case[0]}.{case[2]}") for case in cases()],
)
def test_a_field_changed_alone_changes_the_digest(digest_of, name, section, key, tag, place):
    base = dict(BASES.get(name, {}))
    around = (*TINY, *(() if place == "shocks" else FALLING))
    if place == "markets.0.impact":
        around = (*around, *WILD)
        base |= {key: 0.5} if key in ("depth_floor", "linear_below") else {}
    if key == "market":
        around = (*TINY, *TWO_MARKETS)
    elif name in ("keeper_outage", "liquidator_outage"):
        around = (*around, *TUMBLING)
    if key == "inside_bars":
        base = {"file": "bars.csv"}
    if key == "at_minute":
        base = {"at_minute": 0.8} | {other: value for other, value in base.items() if other != "at_block"}
    value = base[key] if key in base else section.model_fields[key].default
    assert digest_of(*around, written(place, tag, name, base)) != digest_of(
        *around, written(place, tag, name, {**base, key: changed(section, key, value)})
    )


def written(place: str, tag: str | None, name: str, values: dict[str, Any]) -> str:
    """Return the override that puts a section into its place."""
    values = {key: f"FOLDER/{value}" if key == "file" else value for key, value in values.items()}
    table = toml_value({**({} if tag is None else {tag: name}), **values})
    return f"{place}=[{table}]" if place == "shocks" else f"{place}={table}"


def test_what_only_refuses_is_what_is_listed():
    assert all(key.split(".")[0] in PRICE_PROCESSES for key in ONLY_REFUSES)
