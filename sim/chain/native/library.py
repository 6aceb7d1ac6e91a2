"""The compiled library: which file this machine needs, and its functions with their types."""

from __future__ import annotations

import ctypes
import platform
import sys
from functools import cache
from pathlib import Path
from typing import Final

INTERFACE: Final = 2
"""`INTERFACE_VERSION` of ``native.c``: a library of another version is refused."""

LIBRARIES: Final = Path(__file__).parent / "libraries"

_SYSTEMS: Final = {"linux": "linux", "darwin": "macos", "win32": "windows"}
_MACHINES: Final = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}
_ENDINGS: Final = {"linux": "so", "macos": "dylib", "windows": "dll"}

SUCCESS, REVERTED, OUT_OF_GAS, INVALID, REFUSED = 1, 2, 3, 4, 5
"""`Status` of ``interpreter.h``; the first, RUNNING, never leaves it."""


class Result(ctypes.Structure):
    """`Result` of ``native.c``: what a message led to; its pointers hold until the next message."""

    _fields_ = (
        ("status", ctypes.c_int32),
        ("log_count", ctypes.c_uint32),
        ("gas_used", ctypes.c_int64),
        ("gas_refunded", ctypes.c_int64),
        ("output", ctypes.c_void_p),
        ("output_length", ctypes.c_uint64),
        ("logs", ctypes.c_void_p),
        ("log_bytes", ctypes.c_uint64),
        ("refusal", ctypes.c_char_p),
        ("created", ctypes.c_uint8 * 20),
    )


def library_name() -> str:
    """Return the name of the library of this machine, for example ``seawall_native-linux-x86_64.so``.

    Raises
    ------
    ImportError
        There is none for this system or processor.
    """
    system = _SYSTEMS.get(sys.platform)
    machine = _MACHINES.get(platform.machine().lower())
    if system is None or machine is None or (system, machine) == ("windows", "aarch64"):
        raise ImportError(f"no library for {sys.platform} on {platform.machine()}")
    return f"seawall_native-{system}-{machine}.{_ENDINGS[system]}"


@cache
def library() -> ctypes.CDLL:
    """Return the loaded library.

    Raises
    ------
    ImportError
        There is none for this machine, it cannot be loaded, or it is of another version.
    """
    path = LIBRARIES / library_name()
    try:
        loaded = ctypes.CDLL(str(path))
    except OSError as error:
        raise ImportError(f"{path.name} cannot be loaded: {error}") from None
    pointer, text = ctypes.c_void_p, ctypes.c_char_p
    u32, u64, i32, i64 = ctypes.c_uint32, ctypes.c_uint64, ctypes.c_int32, ctypes.c_int64
    signatures = {
        "interface": (u32, ()),
        "new": (pointer, ()),
        "free": (None, (pointer,)),
        "copy": (pointer, (pointer,)),
        "block": (None, (pointer, u64, u64, text, text, u64, u64, u64)),
        "message": (
            None,
            (pointer, text, text, text, text, u64, i64, text, text, u32, i32, i32, i32, pointer),
        ),
        "run": (None, (pointer, text, text, u64, i64, i32, pointer)),
        "set_account": (i32, (pointer, text, u64, text, text, u64)),
        "set_slot": (i32, (pointer, text, text, text)),
        "slot": (None, (pointer, text, text, pointer)),
        "code": (u64, (pointer, text, pointer)),
        "account_count": (u32, (pointer,)),
        "account": (None, (pointer, u32, pointer, pointer, pointer)),
        "slot_count": (u32, (pointer,)),
        "slot_at": (u32, (pointer, u32, pointer, pointer)),
    }
    for name, (returns, takes) in signatures.items():
        function = getattr(loaded, f"seawall_{name}")
        function.restype, function.argtypes = returns, takes
    if loaded.seawall_interface() != INTERFACE:
        raise ImportError(f"{path.name} is of another version: run scripts/build_native.py")
    loaded.seawall_free(loaded.seawall_new())  # tables are made by the first world: before any thread
    return loaded
