#!/usr/bin/env python3
"""Recompute the digest of a run from its results folder alone, as docs/digest.md specifies it.

    scripts/recompute_digest.py RUN_DIR

Needs Python 3.11 and pyarrow, and nothing of Seawall: it is a second implementation, on purpose. Exit code
0: the digest in manifest.json and the one after each block in blocks.parquet are those of the other tables;
1: one of them is not; 2: the folder is not one of a run.
"""

from __future__ import annotations

import hashlib
import json
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ModuleNotFoundError:
    print("recompute_digest: needs pyarrow: activate an environment that has it", file=sys.stderr)
    raise SystemExit(2) from None

SCHEMA_VERSION = 3
DOMAIN = b"seawall-run-3"
LARGEST_FILE = 1 << 30
LARGEST_MANIFEST = 1 << 25
LARGEST_ROW_GROUP = 1 << 30

NUMBER, TEXT, FLAG = pa.int64(), pa.string(), pa.bool_()
TEXTS = pa.list_(pa.string())

TRANSACTIONS = {
    "block": NUMBER, "position": NUMBER, "sender": NUMBER, "kind": TEXT, "target": TEXT, "calldata": TEXT,
    "arguments": TEXTS, "max_fee_wei": TEXT, "max_priority_fee_wei": TEXT, "status": FLAG,
    "revert_reason": TEXT, "gas_used": NUMBER, "fee_paid_wei": TEXT,
}  # fmt: skip
EVENTS = {
    "block": NUMBER, "position": NUMBER, "address": TEXT, "topics": TEXTS, "raw_data": TEXT,
}  # fmt: skip
MARKET_WORDS = (
    "index_price", "risk_price", "ema_price", "confidence", "variance_fast", "variance_slow", "updated_at",
    "round_id", "status", "long_open_interest", "short_open_interest", "mark_price", "funding_index",
    "funding_rate", "initial_ratio", "maintenance_ratio", "ramped_maintenance_ratio", "depth",
    "throttle_capacity", "pool_position", "net_entry_notional",
)  # fmt: skip
PROTOCOL_WORDS = (
    "ledger_token_balance", "total_collateral", "total_debt", "accrued_fees", "pool_reserves",
    "pool_token_balance", "pool_assets", "fund_reserves", "fund_token_balance", "bad_debt", "fund_draws",
    "haircuts", "socialized_loss", "pending_deficit", "tips", "liquidations", "exceptions",
)  # fmt: skip
ACCOUNTS = {
    "account": NUMBER, "address": TEXT, "collateral_end_wad": TEXT, "wallet_end_units": TEXT,
    "balance_end_wei": TEXT, "sizes_end_wad": TEXTS, "entry_notionals_end_wad": TEXTS,
}  # fmt: skip

Record = dict[str, object]


class FolderError(Exception):
    """Names the file that is not as a run leaves it."""


# --- the encoding ---


def count(number: int) -> bytes:
    """4 bytes, most significant first."""
    return number.to_bytes(4, "big")


def integer(value: int) -> bytes:
    """One length byte and two's complement, most significant byte first."""
    length = value.bit_length() // 8 + 1
    return bytes([length]) + value.to_bytes(length, "big", signed=True)


def integers(values: list[int]) -> bytes:
    """Their count and each of them."""
    return count(len(values)) + b"".join(integer(value) for value in values)


def sized(content: bytes) -> bytes:
    """Their number and the bytes."""
    return count(len(content)) + content


def text(value: str) -> bytes:
    """UTF-8, sized."""
    return sized(value.encode("utf-8"))


class RunDigest:
    """SHA-256 over parts, each preceded by its length as 8 bytes."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.part(DOMAIN)

    def part(self, content: bytes) -> str:
        """Add a part; return the digest so far."""
        self._hash.update(len(content).to_bytes(8, "big") + content)
        return self._hash.copy().hexdigest()


# --- reading ---


def require_file(path: Path, largest: int = LARGEST_FILE) -> None:
    """Refuse what is no regular file of a bounded size."""
    try:
        status = path.stat()
    except OSError as error:
        raise FolderError(f"{path}: cannot read: {error.strerror}") from error
    if not stat.S_ISREG(status.st_mode):
        raise FolderError(f"{path}: is not a regular file")
    if status.st_size > largest:
        raise FolderError(f"{path}: has {status.st_size} bytes, more than {largest}")


def stated_digest(path: Path) -> str:
    """Return the digest that the manifest states."""
    require_file(path, LARGEST_MANIFEST)
    try:
        manifest = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise FolderError(f"{path}: not valid JSON: {error}") from error
    version = manifest.get("schema_version") if isinstance(manifest, dict) else None
    if version != SCHEMA_VERSION:
        raise FolderError(f"{path}: schema_version is {version!r}, this script reads {SCHEMA_VERSION}")
    digest = manifest.get("digest")
    if not isinstance(digest, str) or not re.fullmatch("[0-9a-f]{64}", digest):
        raise FolderError(f"{path}: holds no digest of 64 hexadecimal digits")
    return digest


class Table:
    """The rows of one table in order, some columns of them, a batch at a time."""

    def __init__(self, folder: Path, name: str, columns: dict[str, pa.DataType]) -> None:
        self.path = folder / f"{name}.parquet"
        self._columns = columns
        self._rows = self._read()
        self._next: Record | None = None
        self._advance()

    def _read(self) -> Iterator[Record]:
        require_file(self.path)
        try:
            with pq.ParquetFile(self.path) as file:
                schema, metadata = file.schema_arrow, file.metadata
                for name, kind in self._columns.items():
                    index = schema.get_field_index(name)
                    if index < 0:
                        raise FolderError(f"{self.path}: has no column {name}")
                    if schema.field(index).type != kind:
                        raise FolderError(f"{self.path}: {name} is {schema.field(index).type}, not {kind}")
                for group in range(metadata.num_row_groups):
                    if metadata.row_group(group).total_byte_size > LARGEST_ROW_GROUP:
                        raise FolderError(f"{self.path}: a row group has over {LARGEST_ROW_GROUP} bytes")
                for batch in file.iter_batches(batch_size=4096, columns=list(self._columns)):
                    yield from batch.to_pylist()
        except (OSError, ValueError, pa.ArrowException) as error:
            raise FolderError(f"{self.path}: cannot read: {error}".splitlines()[0]) from error

    def _advance(self) -> None:
        self._next = next(self._rows, None)
        if self._next is not None and any(value is None for value in self._next.values()):
            raise FolderError(f"{self.path}: a value is missing")

    def take(self, **keys: int) -> Iterator[Record]:
        """Yield the next rows as long as their columns have these values."""
        while self._next is not None and all(self._next[name] == value for name, value in keys.items()):
            row = self._next
            self._advance()
            yield row

    def end(self) -> None:
        """Refuse rows that nothing asked for."""
        if self._next is not None:
            place = {name: self._next[name] for name in ("block", "position", "market") if name in self._next}
            raise FolderError(f"{self.path}: a row is out of its place: {place or self._next}")

    def decimal(self, digits: str) -> int:
        """Return an integer written in decimal digits."""
        if not re.fullmatch("0|-?[1-9][0-9]{0,599}", digits):
            raise FolderError(f"{self.path}: {digits[:80]!r} is not an integer in decimal digits")
        return int(digits)

    def decimals(self, values: list[str]) -> list[int]:
        """Return several integers."""
        return [self.decimal(value or "") for value in values]

    def raw(self, digits: str, length: int | None = None) -> bytes:
        """Return bytes written as 0x and hexadecimal digits."""
        if not re.fullmatch("0x([0-9a-fA-F]{2})*", digits or ""):
            raise FolderError(f"{self.path}: {str(digits)[:80]!r} is not 0x and hexadecimal digits")
        content = bytes.fromhex(digits[2:])
        if length is not None and len(content) != length:
            raise FolderError(f"{self.path}: {digits[:80]!r} has {len(content)} bytes, not {length}")
        return content


def receipt(table: Table, row: Record) -> bytes:
    """Encode what was called and what came of it, without the logs."""
    return b"".join(
        (
            integer(row["sender"]),
            text(row["kind"]),
            table.raw(row["target"], 20),
            sized(table.raw(row["calldata"])),
            integers(table.decimals(row["arguments"])),
            integer(table.decimal(row["max_fee_wei"])),
            integer(table.decimal(row["max_priority_fee_wei"])),
            b"\1" if row["status"] else b"\0",
            text(row["revert_reason"]),
            integer(row["gas_used"]),
            integer(table.decimal(row["fee_paid_wei"])),
        )
    )


def log(table: Table, row: Record) -> bytes:
    """Encode one log."""
    topics = [table.raw(topic, 32) for topic in row["topics"]]
    return b"".join(
        (table.raw(row["address"], 20), count(len(topics)), *topics, sized(table.raw(row["raw_data"])))
    )


def recompute(folder: Path) -> tuple[str, list[str]]:
    """Return the digest of a run and that after each block."""
    transactions = Table(folder, "transactions", TRANSACTIONS)
    events = Table(folder, "events", EVENTS)
    market_states = Table(
        folder, "market_states", {"block": NUMBER, "market": NUMBER, **dict.fromkeys(MARKET_WORDS, TEXT)}
    )
    protocol_states = Table(
        folder, "protocol_states", {"block": NUMBER, **dict.fromkeys(PROTOCOL_WORDS, TEXT)}
    )
    accounts = Table(folder, "accounts", ACCOUNTS)

    digest, after_block, block = RunDigest(), [], 0
    while True:
        block += 1
        states = list(protocol_states.take(block=block))
        if not states:
            break
        if len(states) > 1:
            raise FolderError(f"{protocol_states.path}: has block {block} more than once")
        receipts = []
        while rows := list(transactions.take(block=block, position=len(receipts))):
            if len(rows) > 1:
                raise FolderError(
                    f"{transactions.path}: has block {block}, position {len(receipts)} more than once"
                )
            logs = [log(events, row) for row in events.take(block=block, position=len(receipts))]
            receipts.append(receipt(transactions, rows[0]) + count(len(logs)) + b"".join(logs))
        markets = []
        while rows := list(market_states.take(block=block, market=len(markets))):
            if len(rows) > 1:
                raise FolderError(f"{market_states.path}: has block {block}, market {len(markets)} twice")
            markets.append(integers(market_states.decimals([rows[0][name] for name in MARKET_WORDS])))
        totals = protocol_states.decimals([states[0][name] for name in PROTOCOL_WORDS])
        after_block.append(
            digest.part(
                integer(block)
                + count(len(receipts))
                + b"".join(receipts)
                + count(len(markets))
                + b"".join(markets)
                + integers(totals)
            )
        )

    finals = []
    while rows := list(accounts.take(account=len(finals))):
        if len(rows) > 1:
            raise FolderError(f"{accounts.path}: has account {len(finals)} more than once")
        row = rows[0]
        finals.append(
            accounts.raw(row["address"], 20)
            + integer(accounts.decimal(row["collateral_end_wad"]))
            + integer(accounts.decimal(row["wallet_end_units"]))
            + integer(accounts.decimal(row["balance_end_wei"]))
            + integers(accounts.decimals(row["sizes_end_wad"]))
            + integers(accounts.decimals(row["entry_notionals_end_wad"]))
        )
    for table in (transactions, events, market_states, protocol_states, accounts):
        table.end()
    return digest.part(count(len(finals)) + b"".join(finals)), after_block


def first_wrong_block(folder: Path, after_block: list[str]) -> str | None:
    """Return what blocks.parquet states differently, None if nothing."""
    blocks = Table(folder, "blocks", {"block": NUMBER, "market": NUMBER, "block_digest": TEXT})
    for block, found in enumerate(after_block, 1):
        rows = list(blocks.take(block=block))
        if not rows:
            raise FolderError(f"{blocks.path}: has no block {block}")
        for row in rows:
            if row["block_digest"] != found:
                return f"block {block}: blocks.parquet states {row['block_digest']}, the tables give {found}"
    blocks.end()
    return None


def main(arguments: list[str]) -> int:
    """Compare, print one line and return the exit code."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: recompute_digest.py RUN_DIR", file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    try:
        stated = stated_digest(folder / "manifest.json")
        found, after_block = recompute(folder)
        wrong = first_wrong_block(folder, after_block)
    except FolderError as error:
        print(f"recompute_digest: {error}", file=sys.stderr)
        return 2
    if wrong is None and found != stated:
        wrong = f"manifest.json states {stated}, the tables give {found}"
    print(f"different: {wrong}" if wrong else f"equal: {found}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
