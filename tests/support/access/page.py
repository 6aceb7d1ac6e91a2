"""Makes docs/access.md of the table, and compares the table with every ABI and with what was answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sim.chain.compile import Artifact, compile_contract, contracts_root
from sim.protocol.contracts import SOURCES, compile_protocol, compile_risk_models
from tests.support.access.roles import (
    CONTRACTS,
    EVERYBODY,
    FREE,
    HANDS,
    HELD,
    OPERATORS,
    PAUSED,
    PEOPLE,
    STATES,
)
from tests.support.access.table import DONE, TABLE, Row
from tests.support.access.world import Observed

POLICIES: Final = "deleverage_policies"
HEAD: Final = """\
# Access

Who may call what. Written by `scripts/update_access.py` from the table in `tests/support/access/table.py`;
`tests/unit/contracts/test_access.py` calls every function of every ABI as every role below, in three states
of the protocol, and compares what each is told. A function that the table lacks fails it.

*At rest* nothing is under way; *paused*, the desk is; *locked*, an operator holds the ledger's lock and
somebody's code runs in the middle of its operation. These three columns say what those are told who may
call: `done` is that the call works, nothing that it cannot happen. Everybody else is told the same in all
three, unless it is said. An account holder and a holder of shares act on their own: no function takes what
is another's, but where a row says so. Contracts call each other as their code says and never themselves,
but for the governor. No function takes the native token.
"""


def artifacts() -> dict[str, Artifact]:
    """Return every contract of the protocol that can be deployed, by key; none of ``contracts/testing``."""
    found = {key: made for key, made in compile_protocol("static").items() if not is_stand_in(key)}
    del found["risk_model"]
    found |= {f"risk_model:{kind}": made for kind, made in compile_risk_models().items()}
    root = contracts_root()
    used = {root / source for source in SOURCES.values()}
    for path in sorted((root / POLICIES).glob("*.vy")):
        if path not in used:
            found[f"{POLICIES}:{path.stem}"] = compile_contract(path, search_root=root)
    return found


def is_stand_in(key: str) -> bool:
    """Return whether a contract is one of the tests' own."""
    return SOURCES.get(key, "").startswith("testing/")


def functions(artifact: Artifact) -> tuple[list[str], list[str]]:
    """Return the names of what changes something and of the views of a contract.

    Raises
    ------
    ValueError
        The contract takes the native token, or has a function without a name.
    """
    changing, views = [], []
    for entry in artifact.abi:
        kind = entry["type"]
        if kind in {"fallback", "receive"} or entry.get("stateMutability") == "payable":
            raise ValueError(f"{artifact.name}: {kind} {entry.get('name', '')} is not in the table")
        if kind == "function":
            is_view = entry["stateMutability"] in {"view", "pure"}
            (views if is_view else changing).append(str(entry["name"]))
    return changing, views


def missing(contracts: Mapping[str, Artifact]) -> list[str]:
    """Return the functions that have no row, and rows without a function."""
    there = {(key, name) for key, artifact in contracts.items() for name in functions(artifact)[0]}
    said = {(row.contract, row.function) for row in TABLE}
    return [f"{key}.{name}" for key, name in sorted(there ^ said)]


def differences(seen: Observed) -> list[str]:
    """Return where the answers are not those of the table."""
    return [
        f"{row.contract}.{row.function}{f' ({row.case})' if row.case else ''} as {role}, {state}: "
        f"{told!r}, the table says {row.expected(role, state)!r}"
        for row in TABLE
        for (role, state), told in seen[row.contract, row.function, row.case].items()
        if told != row.expected(role, state)
    ]


def page(contracts: Mapping[str, Artifact] | None = None) -> str:
    """Return docs/access.md."""
    contracts = artifacts() if contracts is None else contracts
    lines = [HEAD, "| role | who that is |", "|---|---|"]
    lines += [f"| {role} | {who} |" for role, who in (PEOPLE | HANDS).items()]
    others = ", ".join(name for key, name in CONTRACTS.items() if key not in {"risk_model", "token"})
    lines += [f"| a contract | {others}, a market's formula, the quote token |", ""]
    lines.append(f"*Operators* are {_list(OPERATORS)}.")
    for key, artifact in contracts.items():
        views = functions(artifact)[1]
        lines += ["", f"## {artifact.name}", "", *_table(key)]
        lines.append(f"Views, anybody's: {', '.join(f'`{name}`' for name in views)}.")
    return "\n".join(lines) + "\n"


def _table(key: str) -> Iterator[str]:
    groups: dict[tuple[str, ...], list[str]] = {}
    for row in TABLE:
        if row.contract == key:
            name = f"`{row.function}`{f' {row.case}' if row.case else ''}"
            groups.setdefault(_cells(row), []).append(name)
    if not groups:
        yield "Nothing changes anything."
        yield ""
        return
    yield "| function | who may | everybody else is told | at rest | paused | locked |"
    yield "|---|---|---|---|---|---|"
    for cells, names in groups.items():
        yield f"| {' | '.join((', '.join(names), *cells))} |"
    yield ""


def _cells(row: Row) -> tuple[str, ...]:
    others = _told(row.others) if row.others else ""
    if row.others_held:
        others += f"; locked, {_told(row.others_held)}"
    if row.holder_only:
        return ("holder of the lock", others, "", "", DONE)
    told = {state: _told(row.expected(min(row.who), state)) for state in STATES}
    # Who is no contract of a test cannot be in the middle of an operation.
    held = told[HELD] if row.who & HANDS.keys() else ""
    return (_who(row), others, told[FREE], told[PAUSED], held)


def _told(text: str) -> str:
    return text if text == DONE else f"`{text}`"


def _who(row: Row) -> str:
    if row.who == EVERYBODY:
        return "anybody"
    if len(EVERYBODY - row.who) == 1:
        return f"anybody but {_list(EVERYBODY - row.who)}"
    return "operators" if row.who == OPERATORS else _list(row.who)


def _list(roles: frozenset[str]) -> str:
    names: dict[str, Any] = {role: role for role in (*PEOPLE, *HANDS)} | dict(CONTRACTS)
    return ", ".join(str(names[role]) for role in sorted(roles, key=[*PEOPLE, *CONTRACTS, *HANDS].index))
