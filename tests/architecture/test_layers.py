"""The layers that the linter enforces are those of the design, and cover every package."""

import ast
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
SIM = ROOT / "sim"
ENGINES = {"pyrevm", "eth", "eth_tester", "web3", "eth_account", "coincurve", "vyper"}


def imported(path: Path) -> set[str]:
    """Return the top-level names a file imports, ``sim.x`` for our own packages."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {
        ".".join(name.split(".")[:2]) if name.startswith("sim.") else name.split(".")[0] for name in names
    }


def layers() -> list[set[str]]:
    with (ROOT / "pyproject.toml").open("rb") as stream:
        contracts = tomllib.load(stream)["tool"]["importlinter"]["contracts"]
    rows = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [{name.strip(" ()") for name in row.split("|")} for row in rows]


def test_linter_has_the_layers_of_the_design():
    assert layers() == [
        {"cli"}, {"reporting"}, {"experiments"}, {"engine"}, {"agents", "metrics", "market"},
        {"protocol"}, {"chain"}, {"reference"}, {"core"},
    ]  # fmt: skip


def test_every_package_is_in_a_layer():
    packages = {path.name for path in SIM.iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    assert packages - {"api"} <= set().union(*layers())  # the interface for notebooks stands above all layers


def test_no_package_imports_a_higher_or_neighbouring_one():
    order = {name: level for level, row in enumerate(layers()) for name in row}
    wrong = []
    for path in sorted(SIM.rglob("*.py")):
        package = path.relative_to(SIM).parts[0]
        if package not in order:
            continue
        for name in imported(path):
            other = name.removeprefix("sim.")
            if (
                name.startswith("sim.")
                and other in order
                and other != package
                and order[other] <= order[package]
            ):
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert wrong == []


def test_only_the_chain_package_knows_an_engine_and_nobody_knows_titanoboa():
    wrong = []
    for path in sorted(SIM.rglob("*.py")):
        names = imported(path)
        if "boa" in names or (path.relative_to(SIM).parts[0] != "chain" and names & ENGINES):
            wrong.append(f"{path.relative_to(ROOT)}: {sorted(names & (ENGINES | {'boa'}))}")
    assert wrong == []
