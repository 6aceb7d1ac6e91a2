"""``manifest.json``: everything needed to recompute a run, and every assumption behind it."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from types import MappingProxyType
from typing import Any

from sim import __version__
from sim.chain.gas import PROFILE_PATH, GasProfile
from sim.core.digest import canonical_json, sha256_file, sha256_hex
from sim.core.plugins import PLUGINS, active
from sim.engine.blocks.run_digest import SCHEMA_VERSION
from sim.engine.price_files import what_rows_hide
from sim.engine.scenario.assumptions import assumptions
from sim.engine.scenario.path_choice import PathChoice
from sim.engine.scenario.schema import Scenario
from sim.engine.worlds.world import World
from sim.market.price_history import PriceHistory
from sim.market.price_processes.replay import Replay
from sim.market.shock import shock_records
from sim.metrics.worlds import Worlds

PRICES = "prices"
"""Reference of the command line's price file among the inputs."""

_VERSIONED = ("numpy", "pyarrow", "vyper", "pyrevm", "py-evm", "eth-tester", "web3", "coincurve")


def versions() -> dict[str, str]:
    """Return the versions a run depends on; packages that are not installed are left out."""
    found = {"seawall": __version__, "python": platform.python_version()}
    for package in _VERSIONED:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def plugin_records() -> dict[str, Any]:
    """Return the entry about the plug-ins in force; what ran without any has none."""
    records = [plugin.record() for plugin in active()]
    return {PLUGINS: records} if records else {}


def market_words(
    scenario: Scenario,
    replayed: Mapping[int, PriceHistory],
    histories: Mapping[int, PriceHistory] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return what moves the outside markets, in the words of whatever was declared to do so.

    Parameters
    ----------
    replayed
        Prices from the command line, by the market they replace.
    histories
        Prices of every file.
    """
    lines = []
    for index, market in enumerate(scenario.markets):
        process = Replay.of(replayed[index], like=market.price) if index in replayed else market.price
        lines.append(f"Price of {market.name}: {process.describe()}.")
        if index in histories:
            hidden = what_rows_hide(scenario, index, histories[index], replaced=index in replayed)
            lines += [f"{line}." for line in hidden]
        lines.append(f"Impact on {market.name}: {market.impact.describe()}.")
    if scenario.correlation is not None:
        lines += scenario.correlation.describe([market.name for market in scenario.markets])
    shocks = shock_records(scenario.shocks, scenario.seconds_per_block, replayed=frozenset(replayed))
    return {"outside_market": lines, "shocks": shocks}


def _books(scenario: Scenario, world: World) -> dict[str, Any]:
    """Return the entry about accounts from files; a run without any has none."""
    found = {
        reference: {"file": file.name, "sha256": sha256_file(file)}
        for reference, file in scenario.agent_files().items()
    }
    return {"books": {**found, "largest_entry_error": world.largest_entry_error}} if found else {}


def build_manifest(
    *,
    scenario: Scenario,
    world: World,
    digest: str,
    worlds: Worlds,
    without_flow_of: Sequence[int],
    histories: Mapping[int, PriceHistory],
    overrides: Sequence[str],
    inputs: Mapping[str, str],
    settlement_blocks: int,
    path: PathChoice | None = None,
) -> dict[str, Any]:
    """Return the manifest of a finished run.

    Parameters
    ----------
    inputs
        File reference -> path below the run folder of each input that was copied there.
    settlement_blocks
        Blocks in which the run settled after its last.
    path
        Path of the scenario; a plain run has no such entry.
    """
    data = scenario.canonical()
    artifacts = world.client.deployment.artifacts
    profile = GasProfile.load()
    return {
        "title": scenario.title,
        "question": scenario.question,
        "schema_version": SCHEMA_VERSION,
        "digest": digest,
        "seed": scenario.seed,
        **({} if path is None else {"path": path.record()}),
        "blocks": scenario.blocks,
        "settlement_blocks": settlement_blocks,
        "engine": world.chain.engine,
        "worlds": worlds,
        "without_flow_of": list(without_flow_of),
        "scenario_sha256": sha256_hex(canonical_json(data)),
        "scenario": data,
        "overrides": list(overrides),
        **plugin_records(),
        "inputs": dict(sorted(inputs.items())),
        "prices": {
            f"markets.{market}": {
                "file": history.source.name,
                "sha256": sha256_file(history.source),
                "rows": history.rows,
                "row_seconds": history.row_seconds,
                **({"notes": "; ".join(history.notes)} if history.notes else {}),
            }
            for market, history in sorted(histories.items())
        }
        or None,
        **_books(scenario, world),
        "contracts": {
            artifact.name: sha256_hex(artifact.runtime_bytecode) for _, artifact in sorted(artifacts.items())
        },
        "gas_profile_sha256": sha256_file(PROFILE_PATH),
        "gas_profile_is_of_these_contracts": profile.is_current(artifacts.values()),
        "raised_openings": world.raised_openings,
        "groups": {group.name: group.label for group in world.groups},
        "agents": [agent.describe() for agent in world.agents],
        **market_words(scenario, {0: histories[0]} if PRICES in inputs else {}, histories),
        "versions": versions(),
        "assumptions": assumptions(scenario),
    }
