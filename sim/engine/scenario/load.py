"""Scenario files as hostile input: size limit, strict schema, confined paths, one line for each problem."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.chain.compile import refuse_outside
from sim.core.documents.toml_file import TomlFile
from sim.core.documents.toml_text import KeyPath
from sim.core.errors import InputError
from sim.engine.scenario.compose import scenario_class, scenario_of
from sim.engine.scenario.schema import Scenario
from sim.market.impact_law import IMPACT_LAWS


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """One value given on the command line, with the option that gave it (``--seed 5``)."""

    path: KeyPath
    value: Any
    text: str


def load_scenario(path: Path, *, overrides: Sequence[str | Override] = ()) -> Scenario:
    """Return the scenario of a TOML file.

    Parameters
    ----------
    path
        The file, at most 1 MiB. Files it names must lie in its folder, symbolic links followed.
    overrides
        ``section.key=value`` texts from the command line, list entries by index
        (``markets.0.initial_price=100``). A value is TOML; what is not TOML is text. A file
        named here may lie anywhere: the person at the command line chose it. Naming another
        ``protocol.risk_model`` drops the file's ``risk_model_parameters``: they belong to the model it named.
        Parameters that overrides give are kept, whether they come before or after the model, but for those
        given between two models, which belong to the first.
        Another ``impact.law`` drops what only the file's law knows, by the same rule.

    Raises
    ------
    InputError
        One line per problem: ``file:line: section.field: what is wrong``.
    """
    file = TomlFile.read(path)
    given = [parse_override(item) if isinstance(item, str) else item for item in overrides]
    ordered = _model_first(given)
    for index, override in enumerate(ordered):
        _apply(file.document, override, ordered[:index])
    file.document.setdefault("name", _name_of(path))
    place = _Places(file, given)
    scenario = _with_checked_files(file.load(scenario_class(), line=place.line), path, place)
    before_enactment(scenario)
    return scenario


def before_enactment(scenario: Scenario) -> Scenario:
    """Return the scenario with the parameters that were in force before its own were enacted.

    Raises
    ------
    InputError
        What its enactment says of them makes no valid scenario.
    """
    enactment = scenario.enactment
    if enactment.risk_model_before is None and not enactment.values_before:
        return scenario
    document = scenario.canonical()
    del document["enactment"]
    files = {reference: scenario.file(reference) for reference, _ in scenario.file_references()}
    try:
        given = [parse_override(text) for text in enactment.values_before]
        if enactment.risk_model_before is not None:
            value = enactment.risk_model_before
            given.insert(0, Override(path=_MODEL, value=value, text="enactment.risk_model_before"))
            files.pop(".".join(map(str, _MODEL)), None)
        for override in given:
            _apply(document, override, ())
        before = files.pop("enactment.risk_model_before", None)
        if before is not None:
            files[".".join(map(str, _MODEL))] = before
        return scenario_of(document, files)
    except InputError as error:
        raise InputError(
            [f"enactment: before it: {problem}" for problem in str(error).splitlines()]
        ) from None


def parse_override(text: str) -> Override:
    """Return the override of a ``path=value`` text.

    Raises
    ------
    InputError
        If there is no ``=`` or the path is empty.
    """
    key, separator, raw = text.partition("=")
    if not separator or not all(key.strip().split(".")):
        raise InputError(f"--set {text}: must look like section.key=value")
    path: KeyPath = tuple(int(part) if part.isdecimal() else part for part in key.strip().split("."))
    return Override(path=path, value=_toml_value(raw.strip()), text=f"--set {text}")


_MODEL: KeyPath = ("protocol", "risk_model")
_MODEL_PARAMETERS = "risk_model_parameters"


class _Places:
    """Where a problem is: a line of the file, or the override that caused it."""

    def __init__(self, file: TomlFile, overrides: Sequence[Override]) -> None:
        self._file, self._overrides = file, overrides

    def override_of(self, where: KeyPath) -> Override | None:
        for override in reversed(self._overrides):
            if where[: len(override.path)] == override.path:
                return override
        return None

    def line(self, where: KeyPath, message: str) -> str:
        override = self.override_of(where)
        if override is not None:
            return f"{override.text}: {'.'.join(map(str, where))}: {message}"
        return self._file.problem(where, message)


def _toml_value(raw: str) -> Any:
    try:
        parsed = tomllib.loads(f"value = {raw}")
    except (tomllib.TOMLDecodeError, ValueError):
        return raw
    return parsed["value"] if set(parsed) == {"value"} else raw


def _model_first(overrides: Sequence[Override]) -> list[Override]:
    """Return the overrides with the risk model before its parameters, which naming another one would drop."""
    models = [index for index, override in enumerate(overrides) if override.path == _MODEL]
    if not models:
        return list(overrides)
    first, last = models[0], models[-1]
    replaced = overrides[first].value != overrides[last].value
    others = [
        override
        for index, override in enumerate(overrides)
        if override.path != _MODEL
        and not (replaced and first < index < last and _MODEL_PARAMETERS in override.path)
    ]
    return [overrides[last], *others]


def _apply(document: dict[str, Any], override: Override, earlier: Sequence[Override]) -> None:
    target: Any = document
    for depth, part in enumerate(override.path[:-1]):
        if isinstance(target, list):
            target = _entry(target, part, override)
        elif isinstance(target, dict) and isinstance(part, str):
            next_is_entry = isinstance(override.path[depth + 1], int)
            target = target.setdefault(part, [] if next_is_entry else {})
        else:
            raise InputError(f"{override.text}: {'.'.join(map(str, override.path[:depth]))} is not a table")
    last = override.path[-1]
    if isinstance(target, list):
        _entry(target, last, override)
        target[int(last)] = override.value
    elif isinstance(target, dict):
        if override.path == _MODEL and target.get("risk_model", "adaptive") != override.value:
            for table in (target, *document.get("markets", ())):
                if isinstance(table, dict):
                    table.pop(_MODEL_PARAMETERS, None)
        if override.path[2:] == ("impact", "law"):
            _keep_keys_of_law(target, override, earlier)
        target[str(last)] = override.value
    else:
        raise InputError(f"{override.text}: {'.'.join(map(str, override.path[:-1]))} is not a table")


def _keep_keys_of_law(impact: dict[str, Any], override: Override, earlier: Sequence[Override]) -> None:
    """Drop what belongs to another impact law than the one an override asks for.

    Keys that earlier overrides gave are kept, to be refused by name if the law does not know them, unless
    they were given for another law that an override named and this one replaces.
    """
    law = override.value
    given: set[str | int] = set()
    if all(other.value == law for other in earlier if other.path == override.path):
        given = {other.path[-1] for other in earlier if other.path[:-1] == override.path[:-1]}
    if isinstance(law, str) and law in IMPACT_LAWS:
        known = {key for section in IMPACT_LAWS for key in section.model_fields}
        for key in known.difference(IMPACT_LAWS[law].model_fields, given):
            impact.pop(key, None)


def _entry(items: list[Any], index: str | int, override: Override) -> Any:
    if not isinstance(index, int) or index >= len(items):
        raise InputError(f"{override.text}: there is no entry {index}, the list has {len(items)}")
    return items[index]


def _name_of(path: Path) -> str:
    name = re.sub(r"[^a-z0-9_]+", "_", path.stem.lower()).strip("_")[:40]
    return name if name[:1].isalpha() else "scenario"


def _with_checked_files(scenario: Scenario, path: Path, place: _Places) -> Scenario:
    folder = path.resolve().parent
    files: dict[str, Path] = {}
    problems: list[str] = []
    for reference, written in scenario.file_references():
        where: KeyPath = tuple(int(part) if part.isdecimal() else part for part in reference.split("."))
        chosen_by_user = place.override_of(where) is not None
        target = (Path.cwd() if chosen_by_user else folder) / written
        resolved = target.resolve()
        if not chosen_by_user and not resolved.is_relative_to(folder):
            problems.append(place.line(where, f"must lie in the scenario's folder, was {written!r}"))
        elif not resolved.is_file():
            problems.append(place.line(where, f"there is no file {written!r}"))
        elif not chosen_by_user and resolved.suffix == ".vy":
            problems += [place.line(where, problem) for problem in refuse_outside(resolved, folder)]
        files[reference] = resolved
    if problems:
        raise InputError(problems)
    return scenario.with_files(files)
