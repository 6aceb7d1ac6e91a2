"""Gas of each entry point, measured once by an exact engine and kept in a file.

Not every engine meters gas, and agents need it before they act; so gas is a table, keyed by the bytecode
it was measured on. ``scripts/update_gas_profile.py`` remakes it and a test fails when it is stale.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from sim.chain.compile import Artifact
from sim.core.digest import canonical_json, sha256_hex
from sim.core.errors import InputError, RunError
from sim.core.files import atomic_write_text

PROFILE_PATH: Final = Path(__file__).with_name("gas_profile.json")
_FORMAT: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class GasEntry:
    """Gas of one entry point: intrinsic gas (21,000 and calldata) and refunds included.

    Attributes
    ----------
    success
        Median gas of a call that succeeds, without its variable part, where each account that it values
        has one position.
    per_item
        Gas that one more item of the variable part adds (least squares).
    per_position
        Gas that one more position of an account that it values adds (least squares): margin is checked
        across all of an account's positions. Zero where no account is valued.
    revert
        Median gas of a call that reverts.
    revert_per_position
        Gas that one more position adds to a call that reverts after the accounts were valued.
    """

    success: int
    per_item: int
    per_position: int
    revert: int
    revert_per_position: int


_FIELDS: Final = tuple(field.name for field in fields(GasEntry))


def bytecode_hash(artifacts: Iterable[Artifact]) -> str:
    """Return the SHA-256 (hex) over names and runtime bytecodes, in any order."""
    listed = sorted([artifact.name, sha256_hex(artifact.runtime_bytecode)] for artifact in artifacts)
    return sha256_hex(canonical_json(listed))


class GasProfile:
    """Gas by entry point. Immutable."""

    __slots__ = ("_revert", "_success", "bytecode_hash", "entries")

    def __init__(self, bytecode_hash: str, entries: Mapping[str, GasEntry]) -> None:
        self.bytecode_hash = bytecode_hash
        self.entries: dict[str, GasEntry] = dict(sorted(entries.items()))
        self._success = {
            name: (entry.success, entry.per_item, entry.per_position) for name, entry in self.entries.items()
        }
        self._revert = {
            name: (entry.revert, entry.revert_per_position) for name, entry in self.entries.items()
        }

    @classmethod
    def load(cls, path: Path = PROFILE_PATH) -> GasProfile:
        """Return the profile kept in a file.

        Raises
        ------
        InputError
            The file is missing or not a gas profile.
        """
        try:
            stored = json.loads(path.read_bytes())
            if stored["format"] != _FORMAT:
                raise InputError(f"{path}: gas profile format {_FORMAT} is needed, was {stored['format']}")
            entries = {
                str(name): GasEntry(**{field: _gas(entry[field]) for field in _FIELDS})
                for name, entry in stored["entries"].items()
            }
            return cls(str(stored["bytecode_hash"]), entries)
        except OSError as error:
            raise InputError(f"{path}: cannot read: {error.strerror or error}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path}: not a gas profile: {error!r}") from error

    def save(self, path: Path = PROFILE_PATH) -> None:
        """Write the profile, one entry a line."""
        lines = [
            f"    {json.dumps(name)}: " + json.dumps({field: getattr(entry, field) for field in _FIELDS})
            for name, entry in self.entries.items()
        ]
        body = ",\n".join(lines)
        head = f'  "format": {_FORMAT},\n  "bytecode_hash": "{self.bytecode_hash}",\n'
        atomic_write_text(path, f'{{\n{head}  "entries": {{\n{body}\n  }}\n}}\n')

    def is_current(self, artifacts: Iterable[Artifact]) -> bool:
        """Return whether the profile was measured on exactly these contracts."""
        return self.bytecode_hash == bytecode_hash(artifacts)

    def gas(
        self, entry_point: str, *, success: bool = True, items: int = 0, further_positions: int = 0
    ) -> int:
        """Return the gas of one call.

        Parameters
        ----------
        entry_point
            For example ``trading_desk.deposit``.
        success
            Whether the call succeeded.
        items
            Length of its variable part.
        further_positions
            Positions that it values beside one of each account.

        Raises
        ------
        RunError
            The profile does not know the entry point.
        """
        try:
            if success:
                base, per_item, per_position = self._success[entry_point]
                return base + per_item * items + per_position * further_positions
            base, per_position = self._revert[entry_point]
            return base + per_position * further_positions
        except KeyError:
            raise RunError(f"gas profile has no entry point {entry_point!r}: remake it") from None

    def mapping(self) -> dict[str, int]:
        """Return the gas of a successful call without variable part or further positions, by entry point."""
        return {name: entry.success for name, entry in self.entries.items()}


def _gas(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**40:
        raise ValueError(f"gas must be a whole number, was {value!r}")
    return value
