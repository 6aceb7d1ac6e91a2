"""A registry for plug-ins of tests to add to."""

from dataclasses import dataclass

from sim.core.registry import Registry


@dataclass(frozen=True)
class Thing:
    """A declaration that does nothing."""

    name: str
    order: int = 0


THINGS: Registry[Thing] = Registry("thing of plug-in tests", "sim.core.documents")
