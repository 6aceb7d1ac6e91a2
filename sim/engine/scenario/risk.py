"""Parameters of the risk models that ship; a custom ``.vy`` model takes its parameters as they stand."""

from collections.abc import Mapping

from sim.engine.scenario.composed import StructSection, composed_of
from sim.protocol.parameters.table import Struct, models
from sim.protocol.parameters.words import Number, is_whole


def _section(struct: Struct) -> type[StructSection]:
    plain = type(
        f"{struct.name.capitalize()}Parameters",
        (StructSection,),
        {"__doc__": struct.meaning, "__module__": __name__},
    )
    return composed_of(struct)(plain)


BUILT_IN_MODELS: dict[str, type[StructSection]] = {
    name: _section(struct) for name, struct in models().items()
}
"""Section of each model that ships, by the name a scenario gives it."""


def whole_numbers(table: Mapping[str, float]) -> dict[str, Number]:
    """Return a model's parameters with those that are whole numbers on chain as integers."""
    return {name: int(value) if is_whole(name) else value for name, value in table.items()}


def not_whole(name: str, value: float) -> str | None:
    """Return what is wrong with a value that must be a whole number and is not; None if nothing is."""
    if is_whole(name) and value != int(value):
        unit = " of seconds" if name.endswith("_seconds") else ""
        return f"must be a whole number{unit}, was {value:g}"
    return None
