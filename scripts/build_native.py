"""Builds the libraries of the engine `native` for every machine, the same to the byte wherever it runs.

    python scripts/build_native.py            writes sim/chain/native/libraries
    python scripts/build_native.py --check    builds again beside them and compares; exit 1 if a byte differs

Needs the compiler that pyproject.toml pins under `native`, a package of PyPI that brings clang and the
headers of every target; users need none. docs/decisions/0013 says why libraries are kept in the repository.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "sim" / "chain" / "native" / "source"
LIBRARIES = ROOT / "sim" / "chain" / "native" / "libraries"
COMPILER = "0.17.1"

TARGETS = {
    # The baseline of x86-64 machines since 2009, without AVX, which was slower here; Apple's first ARM chips.
    "seawall_native-linux-x86_64.so": ("x86_64-linux-gnu.2.17", "x86_64_v2"),
    "seawall_native-linux-aarch64.so": ("aarch64-linux-gnu.2.17", "generic"),
    "seawall_native-macos-x86_64.dylib": ("x86_64-macos.11.0", "x86_64_v2"),
    "seawall_native-macos-aarch64.dylib": ("aarch64-macos.11.0", "apple_m1"),
    "seawall_native-windows-x86_64.dll": ("x86_64-windows-gnu", "x86_64_v2"),
}
# Words are written and read limb by limb: copies through vector registers would wait for the writes.
FLAGS = (
    "-mno-implicit-float", "-fno-vectorize", "-fno-slp-vectorize",
    "-std=gnu11", "-O2", "-g0", "-shared", "-fPIC", "-fvisibility=hidden", "-fno-sanitize=all",
    "-fno-stack-protector", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function",
    "-Wno-initializer-overrides",
)  # fmt: skip


def main() -> int:
    """Build or check; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with what is there, write nothing")
    parser.add_argument("--only", metavar="NAME", help="one library alone")
    options = parser.parse_args()
    found = subprocess.run(
        [sys.executable, "-m", "ziglang", "version"], capture_output=True, text=True, check=False
    )
    if found.stdout.strip() != COMPILER:
        print(f"build_native: needs ziglang {COMPILER}: pip install ziglang=={COMPILER}", file=sys.stderr)
        return 3
    names = [options.only] if options.only else list(TARGETS)
    if not set(names) <= set(TARGETS):
        print(f"build_native: {options.only}: must be one of {', '.join(TARGETS)}", file=sys.stderr)
        return 2
    different = []
    with tempfile.TemporaryDirectory() as scratch:
        for name in names:
            content = build(name, Path(scratch))
            digest = hashlib.sha256(content).hexdigest()
            target = LIBRARIES / name
            is_same = target.is_file() and target.read_bytes() == content
            remark = "  DIFFERS" if options.check and not is_same else ""
            print(f"{digest}  {len(content):>7,}  {name}{remark}")
            if not is_same:
                different.append(name)
            if not options.check:
                LIBRARIES.mkdir(exist_ok=True)
                target.write_bytes(content)
    return 1 if options.check and different else 0


def build(name: str, scratch: Path) -> bytes:
    """Return the bytes of one library."""
    target, processor = TARGETS[name]
    out = scratch / name
    command = [sys.executable, "-m", "ziglang", "cc", "-target", target, f"-mcpu={processor}", *FLAGS]
    if "macos" in target:
        command += ["-Wl,-install_name,@rpath/" + name]
    elif "windows" in target:
        command += ["-Wl,-s"]
    else:
        command += ["-Wl,--build-id=none", "-Wl,-s", f"-Wl,-soname,{name}"]
    # The path of the source must not reach the library: compile from its folder, by its bare name.
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "0", "ZIG_GLOBAL_CACHE_DIR": str(scratch / "cache"),
                   "ZIG_LOCAL_CACHE_DIR": str(scratch / "cache")}  # fmt: skip
    subprocess.run([*command, "-o", str(out), "native.c"], cwd=SOURCES, env=environment, check=True)
    return out.read_bytes()


if __name__ == "__main__":
    sys.exit(main())
