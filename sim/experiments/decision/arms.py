"""The two parameter sets of a comparison: loaded, checked to differ in the protocol alone, and listed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.core.digest import canonical_json, sha256_file, sha256_hex
from sim.core.documents.messages import nearest
from sim.core.documents.toml_file import TomlFile
from sim.core.documents.toml_text import KeyPath, toml_value
from sim.core.errors import InputError
from sim.engine.scenario.enactment import is_governed
from sim.engine.scenario.load import Override, load_scenario
from sim.engine.scenario.schema import Scenario

MARKET_KEYS = ("risk_model_parameters", "pool")
"""Tables of a market that belong to the protocol; everything else there is the world it lives in."""

PROSE = ("name", "title", "question", "description", "expect")
"""Keys two scenarios may differ in besides: nothing of them is simulated."""

_MODEL = ("protocol", "risk_model")
_FILE = "protocol.risk_model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One parameter set."""

    source: Path
    """File it was read from."""
    scenario: Scenario
    """The scenario with these parameters."""
    overrides: tuple[str, ...]
    """What makes `Arms.scenario` this one, as for ``--set``."""

    def record(self) -> dict[str, Any]:
        """Return what is registered: every protocol-side value, a designer's model by its hash."""
        model = self.scenario.protocol.risk_model
        if self.scenario.protocol.is_custom_model:
            file = self.scenario.file(_FILE)
            model = f"{file.name} (sha256 {sha256_file(file)})"
        protocol = {**self.scenario.canonical()["protocol"], "risk_model": model}
        markets = [
            {"name": market["name"], **{key: market[key] for key in MARKET_KEYS}}
            for market in self.scenario.canonical()["markets"]
        ]
        return {"protocol": protocol, "markets": markets}

    @property
    def sha256(self) -> str:
        """Hash of the parameter set."""
        return sha256_hex(canonical_json(self.record()))


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterChange:
    """One parameter that differs, by its name in a scenario."""

    parameter: str
    before: object
    after: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Arms:
    """Both parameter sets, laid over one scenario."""

    file: Path
    """Scenario file that both arms override."""
    scenario: Scenario
    """That scenario as it stands, before either arm's parameters."""
    current: Arm
    proposed: Arm

    @property
    def changes(self) -> tuple[ParameterChange, ...]:
        """Parameters that differ between the arms."""
        before, after = _flat(self.current.record()), _flat(self.proposed.record())
        return tuple(
            ParameterChange(parameter=key, before=before.get(key), after=after.get(key))
            for key in dict.fromkeys([*before, *after])
            if before.get(key) != after.get(key)
        )

    @property
    def enacted(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Overrides of what is run, the current arm's and the proposed one's.

        Accounts open under the current parameters in both arms, after the same time-lock; in the second the
        proposal then comes into force in block 0. What no proposal can change was never otherwise in its arm.
        """
        before: dict[str, object] = {"in_block_0": True}
        values = []
        for text in _difference(self.proposed.scenario, self.current.scenario):
            key, _, value = text.partition("=")
            if key == _FILE:
                before["risk_model_before"] = _model(self.current.scenario)
            elif is_governed(key):
                values.append(f"{key}={value}")
        if values:
            before["values_before"] = values
        return (
            (*self.current.overrides, f"enactment={toml_value({'in_block_0': True})}"),
            (*self.proposed.overrides, f"enactment={toml_value(before)}"),
        )

    def enacted_scenarios(self) -> tuple[Scenario, Scenario]:
        """Return what is run, the current arm's and the proposed one's, as the scenario's own world."""
        current, proposed = (load_scenario(self.file, overrides=overrides) for overrides in self.enacted)
        return current, proposed

    @property
    def identical(self) -> bool:
        """Whether both sets are the same."""
        return not self.changes


def load_arms(base: Path, proposed: Path, scenario: Path | None) -> Arms:
    """Return the two parameter sets.

    Parameters
    ----------
    base, proposed
        Each a scenario file, or a parameter file: TOML with nothing but ``[protocol]`` tables and the
        protocol's keys of ``[[markets]]``.
    scenario
        What parameter files are laid over; None if there are none.

    Raises
    ------
    InputError
        A file is wrong, a scenario is missing or needless, or the arms differ in more than the protocol.
    """
    files = {"BASE": TomlFile.read(base), "PROPOSED": TomlFile.read(proposed)}
    partial = {name: _is_partial(file) for name, file in files.items()}
    needing = [file.path for name, file in files.items() if partial[name]]
    if needing and scenario is None and all(partial.values()):
        raise InputError(
            f"{needing[0]}: holds parameters only, so --scenario must say what they are laid over"
        )
    if scenario is not None and not needing:
        raise InputError(f"--scenario {scenario}: both files are whole scenarios already")
    under = scenario or (base if not partial["BASE"] else proposed)
    loaded = {
        name: load_scenario(under, overrides=_overrides(file)) if partial[name] else load_scenario(file.path)
        for name, file in files.items()
    }
    plain = load_scenario(under)
    for name, file in files.items():
        if name == "BASE":
            _refuse_other_worlds(plain, loaded[name], file, under)
        else:
            _refuse_other_worlds(loaded["BASE"], loaded[name], file, base)
    arms = {
        name: Arm(source=files[name].path, scenario=found, overrides=_difference(plain, found))
        for name, found in loaded.items()
    }
    return Arms(file=under, scenario=plain, current=arms["BASE"], proposed=arms["PROPOSED"])


def _is_partial(file: TomlFile) -> bool:
    """Whether a file holds protocol parameters only; what is neither is refused when loaded as a scenario."""
    document = file.document
    if not document or set(document) - {"protocol", "markets"}:
        return False
    markets = document.get("markets", [])
    return isinstance(markets, list) and all(
        isinstance(market, dict) and "price" not in market and "initial_price" not in market
        for market in markets
    )


def _overrides(file: TomlFile) -> list[Override]:
    """Return what a parameter file sets, each with its place; the risk model first: it drops parameters."""
    found = list(_leaves(file))
    found.sort(key=lambda override: override.path != _MODEL)
    return found


def _leaves(file: TomlFile) -> Iterator[Override]:
    document = file.document
    protocol = document.get("protocol", {})
    if not isinstance(protocol, Mapping):
        raise InputError(file.problem(("protocol",), "must be a table"))
    for path, value in _walk(protocol, ("protocol",)):
        yield Override(path=path, value=_own_file(file, path, value), text=file.place(path))
    for index, market in enumerate(document.get("markets", [])):
        for key, value in market.items():
            if key not in MARKET_KEYS:
                known = f"{nearest(key, MARKET_KEYS)}; a market's other keys are not the protocol's"
                raise InputError(file.problem(("markets", index, key), f"unknown key{known}"))
            if not isinstance(value, Mapping):
                raise InputError(file.problem(("markets", index, key), "must be a table"))
            for path, leaf in _walk(value, ("markets", index, key)):
                yield Override(path=path, value=leaf, text=file.place(path))


def _walk(table: Mapping[str, Any], path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _walk(value, (*path, key))
        else:
            yield (*path, key), value


def _own_file(file: TomlFile, path: KeyPath, value: Any) -> Any:
    """Return a risk model's file as an absolute path, checked to lie beside the parameter file."""
    if path != _MODEL or not isinstance(value, str) or not value.endswith(".vy"):
        return value
    folder = file.path.resolve().parent
    target = (folder / value).resolve()
    if not target.is_relative_to(folder):
        raise InputError(file.problem(path, f"must lie in the file's folder, was {value!r}"))
    if not target.is_file():
        raise InputError(file.problem(path, f"there is no file {value!r}"))
    return str(target)


def _refuse_other_worlds(one: Scenario, other: Scenario, file: TomlFile, first: Path) -> None:
    """Refuse scenarios that differ in more than protocol parameters, naming every field."""
    before, after = _flat(_world(one)), _flat(_world(other))
    problems = [
        file.problem(
            tuple(int(part) if part.isdecimal() else part for part in key.split(".")),
            f"differs from {first} ({_shown(before.get(key))} there, {_shown(after.get(key))} here);"
            " only protocol parameters may differ",
        )
        for key in dict.fromkeys([*before, *after])
        if before.get(key) != after.get(key)
    ]
    if problems:
        raise InputError(problems[:50])


def _world(scenario: Scenario) -> dict[str, Any]:
    """Return everything of a scenario that is not the protocol's; recorded prices by their content."""
    data = {key: value for key, value in scenario.canonical().items() if key not in ("protocol", *PROSE)}
    data["markets"] = [
        {key: value for key, value in market.items() if key not in MARKET_KEYS} for market in data["markets"]
    ]
    for reference, file in scenario.agent_files().items():
        *above, key = reference.split(".")
        table: Any = data
        for part in above:
            table = table[int(part) if part.isdecimal() else part]
        table[key] = sha256_file(file)
    for reference, _ in scenario.file_references():
        if reference.startswith("markets."):
            index = int(reference.split(".")[1])
            price = data["markets"][index]["price"]
            data["markets"][index]["price"] = {**price, "file": sha256_file(scenario.file(reference))}
    return data


def _difference(plain: Scenario, arm: Scenario) -> tuple[str, ...]:
    """Return the overrides that turn the plain scenario into the arm's."""
    before, after = plain.canonical(), arm.canonical()
    texts: list[str] = []
    model = _model(arm)
    changed = model != _model(plain)
    if changed:
        texts.append(f"{_FILE}={toml_value(model)}")
    table = after["protocol"]["risk_model_parameters"]
    if changed or table != before["protocol"]["risk_model_parameters"]:
        texts.append(f"protocol.risk_model_parameters={toml_value(table)}")
    for key, value in _flat({"protocol": after["protocol"]}).items():
        if not key.startswith(_FILE) and value != _flat({"protocol": before["protocol"]}).get(key):
            texts.append(f"{key}={toml_value(value)}")
    for index, (old, new) in enumerate(zip(before["markets"], after["markets"], strict=True)):
        texts += [
            f"markets.{index}.{key}={toml_value(new[key])}"
            for key in MARKET_KEYS
            # Another model drops what the markets gave the old one.
            if old[key] != new[key] or (changed and key == "risk_model_parameters" and new[key])
        ]
    return tuple(texts)


def _model(scenario: Scenario) -> str:
    """Return the name of a scenario's risk model, or the path of a designer's file."""
    return str(scenario.file(_FILE)) if scenario.protocol.is_custom_model else scenario.protocol.risk_model


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Return dotted key -> value of nested tables and lists of tables."""
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        items = enumerate(value)  # type: ignore[assignment]
    else:
        return {prefix: value}
    found: dict[str, Any] = {}
    for key, item in items:
        found |= _flat(item, f"{prefix}.{key}" if prefix else str(key))
    return found


def _shown(value: object) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
