"""ABI coding: calldata, return values, events and revert data.

Static arguments and arrays of one-word elements are packed directly, which is several times faster than a
general codec; anything else goes through eth-abi. Formats: the contract ABI specification of the Solidity
documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from Crypto.Hash import keccak as _keccak

from sim.chain.words import array_words, decode_columns, decode_floats, decode_rows, decode_words
from sim.core.errors import InputError

__all__ = [
    "NO_REASON",
    "ContractAbi",
    "DecodedEvent",
    "Event",
    "Function",
    "StructRows",
    "Word",
    "address_word",
    "canonical_type",
    "checksum_address",
    "decode_columns",
    "decode_floats",
    "decode_rows",
    "decode_words",
    "keccak256",
    "revert_reason",
    "words_of",
]

_WORD: Final = 32
_ERROR_SELECTOR: Final = bytes.fromhex("08c379a0")  # Error(string)
_PANIC_SELECTOR: Final = bytes.fromhex("4e487b71")  # Panic(uint256)
NO_REASON: Final = "reverted without a reason"

Encoder = Callable[[Any], bytes]


def keccak256(data: bytes) -> bytes:
    """Return the Keccak-256 hash (Ethereum's, not SHA-3) of `data`."""
    return _keccak.new(digest_bits=256, data=data).digest()


@lru_cache(maxsize=1 << 18)
def address_word(address: str | bytes) -> bytes:
    """Return an address ("0x" + 40 hex digits, or 20 bytes) as a 32-byte word.

    Raises
    ------
    ValueError
        Not an address.
    """
    raw = address if isinstance(address, bytes) else bytes.fromhex(address.removeprefix("0x"))
    if len(raw) != 20:
        raise ValueError(f"an address has 20 bytes, was {address!r}")
    return b"\0" * 12 + raw


@lru_cache(maxsize=1 << 16)
def checksum_address(raw: bytes) -> str:
    """Return 20 bytes as "0x" and 40 hex digits in the mixed case of ERC-55."""
    if len(raw) != 20:
        raise ValueError(f"an address has 20 bytes, was {raw!r}")
    text = raw.hex()
    digits = keccak256(text.encode("ascii")).hex()
    return "0x" + "".join(c.upper() if d > "7" else c for c, d in zip(text, digits, strict=False))


def _encode_address(value: str | bytes) -> bytes:
    return address_word(value)


def _encode_bool(value: object) -> bytes:
    if value is not True and value is not False:
        raise ValueError(f"a bool is needed, was {value!r}")
    return value.to_bytes(_WORD, "big")


def _uint_encoder(bits: int) -> Encoder:
    def encode(value: int) -> bytes:
        if value >> bits:  # also true of every negative value
            raise ValueError(f"{value} does not fit uint{bits}")
        return value.to_bytes(_WORD, "big")

    return encode


def _int_encoder(bits: int) -> Encoder:
    limit = 1 << (bits - 1)

    def encode(value: int) -> bytes:
        if not -limit <= value < limit:
            raise ValueError(f"{value} does not fit int{bits}")
        return value.to_bytes(_WORD, "big", signed=True)

    return encode


def _fixed_bytes_encoder(size: int) -> Encoder:
    def encode(value: bytes) -> bytes:
        if len(value) != size:
            raise ValueError(f"{size} bytes are needed, was {len(value)}")
        return value.ljust(_WORD, b"\0")

    return encode


def _word_encoder(kind: str) -> Encoder | None:
    """Return the packer of a one-word type, None for any other type."""
    if kind == "address":
        return _encode_address
    if kind == "bool":
        return _encode_bool
    if kind.endswith("]"):
        return None
    if kind.startswith("uint"):
        return _uint_encoder(int(kind[4:]))
    if kind.startswith("int"):
        return _int_encoder(int(kind[3:]))
    if kind.startswith("bytes") and kind != "bytes":
        return _fixed_bytes_encoder(int(kind[5:]))
    return None


def _word_decoder(kind: str) -> Callable[[bytes], Any] | None:
    if kind == "address":
        return lambda word: checksum_address(word[12:])
    if kind == "bool":
        return lambda word: word[-1] == 1
    if kind.endswith("]"):
        return None
    if kind.startswith("uint"):
        return lambda word: int.from_bytes(word, "big")
    if kind.startswith("int"):
        return lambda word: int.from_bytes(word, "big", signed=True)
    if kind.startswith("bytes") and kind != "bytes":
        size = int(kind[5:])
        return lambda word: word[:size]
    return None


def canonical_type(parameter: Mapping[str, Any]) -> str:
    """Return the canonical type of an ABI parameter, tuples spelled out: ``(uint256,address)[]``."""
    kind: str = parameter["type"]
    if not kind.startswith("tuple"):
        return kind
    inner = ",".join(canonical_type(component) for component in parameter["components"])
    return f"({inner}){kind[5:]}"


class Word(NamedTuple):
    """One static word of arguments, a struct or an event."""

    name: str
    kind: str
    is_indexed: bool


def words_of(parameters: Iterable[Mapping[str, Any]]) -> list[Word] | None:
    """Return the words of static parameters in order, those of a struct under their own names.

    None if any of the parameters is dynamic or an array.
    """
    found: list[Word] = []
    for parameter in parameters:
        if parameter["type"] == "tuple":
            inner = words_of(parameter["components"])
            if inner is None:
                return None
            found.extend(inner)
        elif _word_encoder(parameter["type"]) is None:
            return None
        else:
            found.append(Word(parameter.get("name", ""), parameter["type"], bool(parameter.get("indexed"))))
    return found


def _leaves(parameters: Iterable[Mapping[str, Any]]) -> list[str] | None:
    words = words_of(parameters)
    return None if words is None else [word.kind for word in words]


def _flatten(values: Iterable[Any], parameters: Sequence[Mapping[str, Any]]) -> list[Any]:
    flat: list[Any] = []
    for value, parameter in zip(values, parameters, strict=True):
        if parameter["type"] == "tuple":
            flat.extend(_flatten(value, parameter["components"]))
        else:
            flat.append(value)
    return flat


class Function:
    """One function of a contract: packs its calldata and reads its return data.

    Attributes
    ----------
    name, signature
        For example ``liquidate`` and ``liquidate(address,uint256)``.
    selector
        First four bytes of the hash of the signature; empty for a constructor.
    inputs
        ABI parameters, for callers that match arguments by name.
    """

    __slots__ = (
        "_array_decoder",
        "_array_encoders",
        "_decoders",
        "_encoders",
        "_has_struct",
        "_input_types",
        "_is_struct",
        "_output_types",
        "inputs",
        "name",
        "outputs",
        "selector",
        "signature",
    )

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self.name: str = entry.get("name", "__init__")
        self.inputs: tuple[Mapping[str, Any], ...] = tuple(entry.get("inputs", ()))
        self.outputs: tuple[Mapping[str, Any], ...] = tuple(entry.get("outputs", ()))
        self._input_types = [canonical_type(parameter) for parameter in self.inputs]
        self._output_types = [canonical_type(parameter) for parameter in self.outputs]
        self.signature = f"{self.name}({','.join(self._input_types)})"
        is_function = entry.get("type") == "function"
        self.selector = keccak256(self.signature.encode("ascii"))[:4] if is_function else b""
        self._has_struct = any(parameter["type"] == "tuple" for parameter in self.inputs)
        leaves = _leaves(self.inputs)
        self._encoders = None if leaves is None else [_require(_word_encoder(kind)) for kind in leaves]
        self._array_encoders = self._mixed_encoders() if leaves is None else None
        output_leaves = _leaves(self.outputs)
        self._is_struct = len(self.outputs) == 1 and self.outputs[0]["type"] == "tuple"
        flat = self.outputs[0]["components"] if self._is_struct else self.outputs
        self._decoders = (
            [_require(_word_decoder(kind)) for kind in output_leaves]
            if output_leaves is not None and all(parameter["type"] != "tuple" for parameter in flat)
            else None
        )

        # The commonest dynamic result by far: one array of one-word elements.
        array = self._output_types[0] if len(self._output_types) == 1 else ""
        self._array_decoder = _word_decoder(array[:-2]) if array.endswith("[]") else None

    def _mixed_encoders(self) -> list[tuple[Encoder, bool]] | None:
        # One-word arguments and dynamic arrays of one-word elements: (packer of the element, is an array).
        encoders: list[tuple[Encoder, bool]] = []
        for kind in self._input_types:
            is_array = kind.endswith("[]")
            encoder = _word_encoder(kind.removesuffix("[]"))
            if encoder is None:
                return None
            encoders.append((encoder, is_array))
        return encoders

    def encode(self, *values: Any) -> bytes:
        """Return selector and packed arguments; structs are sequences, addresses text or 20 bytes.

        Raises
        ------
        ValueError
            Wrong number of arguments, or one that does not fit its type.
        """
        if self._encoders is not None:
            if self._has_struct:
                values = tuple(_flatten(values, self.inputs))
            return self.selector + b"".join(
                [pack(value) for pack, value in zip(self._encoders, values, strict=True)]
            )
        if self._array_encoders is not None:
            return self.selector + _encode_arrays(self._array_encoders, values)
        from eth_abi.abi import encode  # noqa: PLC0415  (slow to import, rarely needed)

        return self.selector + encode(self._input_types, values)

    def encode_words(self, array: bytes, *heads: int) -> bytes:
        """Return selector and arguments of a call whose last argument is an array of words packed already.

        Parameters
        ----------
        array
            Its elements, 32 bytes each.
        heads
            Whole numbers before it.
        """
        words = (*heads, _WORD * (len(heads) + 1), len(array) // _WORD)
        return self.selector + b"".join([word.to_bytes(_WORD, "big") for word in words]) + array

    def decode(self, data: bytes) -> Any:
        """Return the value returned, a tuple if several, None if none; structs and arrays are sequences.

        Raises
        ------
        ValueError
            The data is shorter than the types need.
        """
        if not self.outputs:
            return None
        if self._decoders is not None:
            if len(data) < _WORD * len(self._decoders):
                raise ValueError(f"{self.signature}: return data of {len(data)} bytes is too short")
            if len(self._decoders) == 1 and not self._is_struct:
                return self._decoders[0](data[:_WORD])
            return tuple(
                decode(data[_WORD * index : _WORD * (index + 1)])
                for index, decode in enumerate(self._decoders)
            )
        if self._array_decoder is not None:
            words = array_words(data, 1)
            return [self._array_decoder(words[i : i + _WORD]) for i in range(0, len(words), _WORD)]
        from eth_abi.abi import decode as general_decode  # noqa: PLC0415
        from eth_abi.exceptions import DecodingError  # noqa: PLC0415

        try:
            values = general_decode(self._output_types, data)
        except DecodingError as error:
            raise ValueError(f"{self.signature}: cannot decode return data: {error}") from error
        return values[0] if len(values) == 1 else values


def _encode_arrays(encoders: list[tuple[Encoder, bool]], values: tuple[Any, ...]) -> bytes:
    heads: list[bytes] = []
    tails: list[bytes] = []
    offset = _WORD * len(encoders)
    for (pack, is_array), value in zip(encoders, values, strict=True):
        if not is_array:
            heads.append(pack(value))
            continue
        heads.append(offset.to_bytes(_WORD, "big"))
        tails.append(len(value).to_bytes(_WORD, "big"))
        tails.extend(map(pack, value))
        offset += _WORD * (1 + len(value))
    return b"".join(heads) + b"".join(tails)


def _require(value: Any) -> Any:
    if value is None:
        raise TypeError("only one-word types have a packer of their own")
    return value


class DecodedEvent(NamedTuple):
    """An event with its arguments by name."""

    name: str
    args: dict[str, Any]


class StructRows:
    """Reads what a function returns: one static struct, or an array of them, as rows of integers.

    Raises
    ------
    InputError
        The function does not return that struct.
    """

    __slots__ = ("_columns", "_is_array", "_signed")

    def __init__(self, function: Function, names: Sequence[str]) -> None:
        """Take the words' order and signs from the ABI, and their names as a check."""
        outputs = function.outputs
        words = words_of(outputs[0].get("components", ())) if len(outputs) == 1 else None
        found = [word.name for word in words or ()]
        if words is None or found != list(names):
            raise InputError(f"{function.name} returns ({', '.join(found)}), not ({', '.join(names)})")
        self._columns = len(words)
        self._signed = [index for index, word in enumerate(words) if word.kind.startswith("int")]
        self._is_array: bool = outputs[0]["type"].endswith("[]")

    def rows(self, data: bytes) -> list[list[int]]:
        """Return one row for each struct, words in order."""
        if not self._is_array:  # as an array of one: where it starts, and how many there are
            data = _WORD.to_bytes(_WORD, "big") + (1).to_bytes(_WORD, "big") + data
        return decode_rows(data, self._columns, signed=self._signed)

    def columns(self, data: bytes, wanted: Sequence[int]) -> list[list[int]]:
        """Return some words of every struct of an array, one list for each of ``wanted``."""
        return decode_columns(data, self._columns, wanted, signed=self._signed)


class Event:
    """One event of a contract.

    Attributes
    ----------
    words
        Its arguments, indexed ones first, if each is one word or a struct of words; None if not.
    """

    __slots__ = ("_data_names", "_data_types", "_decoders", "_indexed", "name", "signature", "topic", "words")

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self.name: str = entry["name"]
        inputs = entry["inputs"]
        is_hashed = any(item["indexed"] and item["type"] == "tuple" for item in inputs)
        words = None if is_hashed else words_of(inputs)
        self.words = None if words is None else sorted(words, key=lambda word: not word.is_indexed)
        self.signature = f"{self.name}({','.join(canonical_type(item) for item in inputs)})"
        self.topic = keccak256(self.signature.encode("ascii"))
        # An indexed argument of more than one word is only a hash on chain: it is returned as that hash.
        self._indexed = [
            (item["name"], _word_decoder(canonical_type(item)) or bytes) for item in inputs if item["indexed"]
        ]
        plain = [item for item in inputs if not item["indexed"]]
        self._data_names = [item["name"] for item in plain]
        self._data_types = [canonical_type(item) for item in plain]
        decoders = [_word_decoder(kind) for kind in self._data_types]
        self._decoders = (
            None if any(decoder is None for decoder in decoders) else [_require(d) for d in decoders]
        )

    def decode(self, topics: Sequence[bytes], data: bytes) -> dict[str, Any]:
        """Return the arguments by name: indexed ones first, then the others, each in declaration order.

        Raises
        ------
        ValueError
            The log is not one of this event.
        """
        if not topics or topics[0] != self.topic or len(topics) != 1 + len(self._indexed):
            raise ValueError(f"log is not {self.signature}")
        args = {name: decode(topic) for (name, decode), topic in zip(self._indexed, topics[1:], strict=True)}
        if self._decoders is not None:
            if len(data) < _WORD * len(self._decoders):
                raise ValueError(f"{self.signature}: log data of {len(data)} bytes is too short")
            for index, name in enumerate(self._data_names):
                args[name] = self._decoders[index](data[_WORD * index : _WORD * (index + 1)])
            return args
        from eth_abi.abi import decode as general_decode  # noqa: PLC0415

        args.update(zip(self._data_names, general_decode(self._data_types, data), strict=True))
        return args


class ContractAbi:
    """The functions, events and constructor of one contract, by name.

    Vyper gives a function with default arguments several signatures of one name; the longest goes by its
    name, and all go by their signature.
    """

    __slots__ = ("constructor", "events", "functions")

    def __init__(self, entries: Iterable[Mapping[str, Any]]) -> None:
        self.functions: dict[str, Function] = {}
        self.events: dict[bytes, Event] = {}
        self.constructor = Function({"type": "constructor", "inputs": ()})
        for entry in entries:
            if entry["type"] == "function":
                function = Function(entry)
                self.functions[function.signature] = function
                known = self.functions.get(function.name)
                if known is None or len(known.inputs) < len(function.inputs):
                    self.functions[function.name] = function
            elif entry["type"] == "event":
                event = Event(entry)
                self.events[event.topic] = event
            elif entry["type"] == "constructor":
                self.constructor = Function(entry)

    def __getitem__(self, name: str) -> Function:
        """Return a function by name or signature.

        Raises
        ------
        InputError
            The contract has no such function.
        """
        try:
            return self.functions[name]
        except KeyError:
            raise InputError(f"the contract has no function {name}") from None

    def decode_log(self, topics: Sequence[bytes], data: bytes) -> DecodedEvent | None:
        """Return the event of a log, or None if the contract does not declare it."""
        event = self.events.get(topics[0]) if topics else None
        return None if event is None else DecodedEvent(event.name, event.decode(topics, data))


def revert_reason(output: bytes) -> str:
    """Return what a revert says: the text of ``Error(string)``, a panic code, or that there is no reason."""
    if not output:
        return NO_REASON
    if output[:4] == _ERROR_SELECTOR and len(output) >= 4 + 2 * _WORD:
        length = int.from_bytes(output[4 + _WORD : 4 + 2 * _WORD], "big")
        return output[4 + 2 * _WORD :][: min(length, 4096)].decode("utf-8", errors="replace")
    if output[:4] == _PANIC_SELECTOR and len(output) >= 4 + _WORD:
        return f"panic 0x{int.from_bytes(output[4 : 4 + _WORD], 'big'):02x}"
    return f"reverted with data 0x{output[:36].hex()}"
