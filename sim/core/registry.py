"""Declarations by name: those that ship, one file each in a package's folder, and those that plug-ins bring.

A file of the package, or a plug-in, adds its declarations while it is imported. Whoever reads a registry gets
what ships too, without a list of files anywhere: a new file in the folder is all a new declaration takes.
"""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, Generic, Protocol, TypeVar

from sim.core.errors import InputError


class Declared(Protocol):
    """What can stand in a registry."""

    @property
    def name(self) -> str:
        """Word that scenarios, results and reports use."""
        ...

    @property
    def order(self) -> int:
        """Place among the declarations of its kind; equal places are taken by name."""
        ...


T = TypeVar("T", bound=Declared)

_WORD = re.compile(r"[a-z][a-z0-9_]*")
"""What a name may look like: a bare key of TOML, a column, and part of ``group:place``."""

_ALL: list[Registry[Any]] = []
"""Every registry of the process, in the order they were made."""


def registries() -> tuple[Registry[Any], ...]:
    """Return every registry there is."""
    return tuple(_ALL)


def revision() -> tuple[tuple[str, int], ...]:
    """Return what changes whenever any registry does: the key of whatever is composed from them.

    What ships counts as no change, whenever its files are imported: a process starts with one revision.
    """
    for registry in _ALL:
        registry.all()
    return tuple((registry.what, registry.changes) for registry in _ALL if registry.changes)


class Registry(Generic[T]):
    """Declarations of one kind.

    Parameters
    ----------
    what
        What one of them is called in messages, for example ``price process``.
    package
        Package whose modules add what ships.
    """

    def __init__(self, what: str, package: str) -> None:
        self.what = what
        self._package = package
        self._declared: dict[str, T] = {}
        self._is_complete = False
        self.changes = 0
        """How often a declaration was added or removed since everything that ships was found."""
        _ALL.append(self)

    def add(self, declaration: T) -> T:
        """Add a declaration and return it.

        Raises
        ------
        InputError
            It has no name or place, its name is no word, or is taken.
        """
        name: object = getattr(declaration, "name", None)
        if not isinstance(name, str) or not isinstance(getattr(declaration, "order", None), int):
            raise InputError(f"no {self.what}: {declaration!r} lacks a name, a text, or an order, an integer")
        if not _WORD.fullmatch(name):
            raise InputError(f"{self.what} {name!r}: a name is small letters, digits and underscores")
        if name in self._declared:
            raise InputError(f"{self.what} {name!r}: the name is taken; choose another")
        self._declared[name] = declaration
        self.changes += 1
        return declaration

    def remove(self, name: str) -> None:
        """Take a declaration out again, as when a plug-in is unloaded."""
        del self._declared[name]
        self.changes += 1

    def declared(self) -> dict[str, T]:
        """Return every declaration by name, as it stands now."""
        self.all()
        return dict(self._declared)

    def put_back(self, declared: Mapping[str, T]) -> None:
        """Let the registry hold what it held earlier, and nothing else."""
        self._declared = dict(declared)
        self.changes += 1

    def all(self) -> tuple[T, ...]:
        """Return every declaration, by place and name: never in the order files happened to be imported."""
        if not self._is_complete:
            self._is_complete = True
            package = import_module(self._package)
            for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda found: found.name):
                import_module(f"{self._package}.{module.name}")
            self.changes = 0
        return tuple(sorted(self._declared.values(), key=lambda one: (one.order, one.name)))

    def names(self) -> tuple[str, ...]:
        """Return the names of all declarations, in their order."""
        return tuple(declaration.name for declaration in self.all())

    def get(self, name: str) -> T | None:
        """Return the declaration of a name, None if there is none."""
        self.all()
        return self._declared.get(name)

    def __getitem__(self, name: str) -> T:
        """Return the declaration of a name; KeyError if there is none."""
        self.all()
        return self._declared[name]

    def __contains__(self, name: object) -> bool:
        """Return whether there is a declaration of a name."""
        self.all()
        return name in self._declared

    def __iter__(self) -> Iterator[T]:
        """Yield every declaration, by place and name."""
        return iter(self.all())
