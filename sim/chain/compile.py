"""Vyper sources to artifacts, with a cache on disk keyed by every source in the import closure."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sim.core.digest import canonical_json, sha256_hex
from sim.core.errors import InputError, SeawallError
from sim.core.files import atomic_write_bytes, ensure_directory

COMPILER_VERSION: Final = "0.4.3"  # exactly this release: bytecode, and so the digest, depends on it
EVM_VERSION: Final = "prague"  # default of 0.4.3, and the newest fork that every engine knows
_CACHE_FORMAT: Final = 3
_MAX_SOURCE_BYTES: Final = 1 << 20  # a contract is hostile input too; assumption: ours are below 40 kB
_IMPORT = re.compile(r"^(?:import|from)\s+(?:[^\n(]*\([^)]*\)|[^\n]+)", re.MULTILINE)
_NO_STATEMENT = re.compile(r"#[^\n]*|\\\r?\n")  # comments, and line ends that end no statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One compiled contract.

    Attributes
    ----------
    name
        File name without suffix, for example ``TradingDesk``.
    abi
        The ABI as parsed JSON.
    bytecode
        Creation code, without constructor arguments.
    runtime_bytecode
        Deployed code, without the immutables that the constructor appends.
    source_hash
        SHA-256 (hex) over compiler version, EVM version and every source in the import closure.
    """

    name: str
    abi: tuple[dict[str, Any], ...]
    bytecode: bytes
    runtime_bytecode: bytes
    source_hash: str


def contracts_root() -> Path:
    """Return the folder of Seawall's own contracts: packaged as ``sim/_contracts``, else the checkout's.

    Raises
    ------
    InputError
        Neither folder exists.
    """
    package = Path(__file__).resolve().parent.parent
    for candidate in (package / "_contracts", package.parent / "contracts"):
        if candidate.is_dir():
            return candidate
    raise InputError(f"contracts folder not found beside {package}")


def compile_contract(path: Path, *, search_root: Path | None = None) -> Artifact:
    """Compile one Vyper file, or read the result of an earlier compilation of the same sources.

    Parameters
    ----------
    path
        The ``.vy`` file.
    search_root
        Folder that absolute imports start from; `contracts_root()` if not given.

    Raises
    ------
    InputError
        The file cannot be read or does not compile; one line with file and line number.
    """
    path, root = _resolved(path, search_root)
    closure = _import_closure(path, root)
    source_hash = _closure_hash(closure, path, root)
    cache_file = _cache_file(path.stem, source_hash)
    if cache_file is not None:
        cached = _read_cache(cache_file, path.stem, source_hash)
        if cached is not None:
            return cached
    artifact, used = _compile(path, root, source_hash)
    # If the compiler read a file that the scan below did not see, the key would be wrong: leave it uncached.
    if cache_file is not None and used <= set(closure):
        _write_cache(cache_file, artifact)
    return artifact


def sources_hash(path: Path, *, search_root: Path | None = None) -> str:
    """Return what `Artifact.source_hash` would be, without compiling.

    Raises
    ------
    InputError
        A file cannot be read.
    """
    path, root = _resolved(path, search_root)
    return _closure_hash(_import_closure(path, root), path, root)


def import_closure(path: Path, *, search_root: Path | None = None) -> frozenset[Path]:
    """Return every file that a contract's import lines could mean, its own included.

    Raises
    ------
    InputError
        A file cannot be read.
    """
    return frozenset(_import_closure(*_resolved(path, search_root)))


def own_imports(path: Path, *, search_root: Path | None = None) -> tuple[Path, ...]:
    """Return the files that a contract takes along when it moves, sorted: what it imports, and they in turn.

    Not among them is what is found below the search root, from wherever a file is compiled.

    Raises
    ------
    InputError
        A file cannot be read.
    """
    root = (contracts_root() if search_root is None else search_root).resolve()
    path = path.resolve()
    moved: set[Path] = set()
    _scan(path, root, moved)
    return tuple(sorted(moved - {path}))


def refuse_outside(path: Path, folder: Path, *, search_root: Path | None = None) -> list[str]:
    """Return one problem for each file that a contract imports from outside a folder, but for ours.

    A scenario and a results folder are hostile input: neither may have files of the user's read and copied.

    Raises
    ------
    InputError
        A file cannot be read.
    """
    root = (contracts_root() if search_root is None else search_root).resolve()
    folder = folder.resolve()
    return [
        f"{path.name} imports {os.path.relpath(found, folder)}, which is not in its folder"
        for found in own_imports(path, search_root=root)
        if not found.is_relative_to(folder) and not found.is_relative_to(root)
    ]


def _resolved(path: Path, search_root: Path | None) -> tuple[Path, Path]:
    return path.resolve(), (contracts_root() if search_root is None else search_root).resolve()


def _import_closure(path: Path, root: Path) -> dict[Path, bytes]:
    """Return every file that the import lines could mean, with its content.

    A superset of what the compiler reads (all suffixes, all search folders), so that adding a file which
    shadows another changes the key too.
    """
    return _scan(path, root, set())


def _scan(path: Path, root: Path, moved: set[Path]) -> dict[Path, bytes]:
    """Return the closure, and add to ``moved`` what is not found by way of the root alone."""
    found: dict[Path, bytes] = {}
    waiting = [(path, True)]
    while waiting:
        current, moves = waiting.pop()
        if current in moved or (current in found and not moves):
            continue
        if moves:
            moved.add(current)
        if current not in found:
            found[current] = _read_source(current)
        if current.suffix == ".json":
            continue
        text = _NO_STATEMENT.sub(" ", found[current].decode("utf-8", errors="replace"))
        for statement in _IMPORT.findall(text):
            for stem, from_root in _import_stems(statement, current.parent, root, path.parent):
                for suffix in (".vy", ".vyi", ".json"):
                    candidate = stem.with_name(stem.name + suffix)
                    if candidate.is_file():
                        waiting.append((candidate.resolve(), moves and not from_root))
    return found


def _read_source(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MAX_SOURCE_BYTES:
            raise InputError(f"{path}: larger than {_MAX_SOURCE_BYTES} bytes")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot read: {error.strerror or error}") from error


def _import_stems(statement: str, folder: Path, root: Path, top: Path) -> list[tuple[Path, bool]]:
    """Return where an import line may lead, without suffix, and whether by way of the search root."""
    words = statement.replace("(", " ").replace(")", " ").replace(",", " ").split()
    aliases = {index + 1 for index, word in enumerate(words) if word == "as"}
    names = [word for index, word in enumerate(words) if word != "as" and index not in aliases]
    searched = ((root, True), (top, False), (folder, False))
    if names[0] == "import":
        return [(base.joinpath(*name.split(".")), ours) for name in names[1:] for base, ours in searched]
    if len(names) < 4 or names[2] != "import":
        return []
    dotted = names[1].lstrip(".")
    level = len(names[1]) - len(dotted)
    packages = dotted.split(".") if dotted else []
    bases: Sequence[tuple[Path, bool]] = searched
    if level:
        base = folder
        for _ in range(level - 1):
            base = base.parent
        bases = ((base, False),)
    return [(base.joinpath(*packages, name), ours) for name in names[3:] for base, ours in bases]


def _closure_hash(closure: dict[Path, bytes], path: Path, root: Path) -> str:
    digest = hashlib.sha256(canonical_json([_CACHE_FORMAT, COMPILER_VERSION, EVM_VERSION, path.name]))
    # Names relative to the root or to the contract, so that the same sources elsewhere have the same hash.
    listed = [
        [
            source.relative_to(root).as_posix()
            if source.is_relative_to(root)
            else f"./{Path(os.path.relpath(source, path.parent)).as_posix()}",
            sha256_hex(content),
        ]
        for source, content in closure.items()
    ]
    digest.update(canonical_json(sorted(listed)))
    return digest.hexdigest()


def _compile(path: Path, root: Path, source_hash: str) -> tuple[Artifact, set[Path]]:
    import vyper  # noqa: PLC0415  (0.2 s; not needed when the cache answers)
    from vyper.compiler.input_bundle import FilesystemInputBundle  # noqa: PLC0415
    from vyper.compiler.output import build_abi_output  # noqa: PLC0415
    from vyper.compiler.phases import CompilerData  # noqa: PLC0415
    from vyper.compiler.settings import Settings, anchor_settings  # noqa: PLC0415

    if vyper.__version__.split("+")[0] != COMPILER_VERSION:
        raise InputError(f"vyper {COMPILER_VERSION} is required, was {vyper.__version__}")
    bundle = FilesystemInputBundle([path.parent, root])  # the last one is searched first
    try:
        source = bundle.load_file(path)
        data = CompilerData(source, bundle, settings=Settings(evm_version=EVM_VERSION))
        # Optimisation level and the nonreentrancy default come from the file's own pragmas.
        with anchor_settings(data.settings):
            artifact = Artifact(
                name=path.stem,
                abi=tuple(build_abi_output(data)),
                bytecode=bytes(data.bytecode),
                runtime_bytecode=bytes(data.bytecode_runtime),
                source_hash=source_hash,
            )
            used = {Path(item.resolved_path).resolve() for item in data.resolved_imports.compiler_inputs}
    except Exception as error:
        raise InputError(_compile_problem(path, error)) from error
    builtin = Path(vyper.__file__).resolve().parent
    return artifact, {item for item in used if not item.is_relative_to(builtin)}


def _compile_problem(path: Path, error: Exception) -> str:
    """Return one line: file, line where known, and what the compiler said."""
    place = str(path)
    for annotation in getattr(error, "annotations", None) or ():
        line = getattr(annotation, "lineno", None)
        if line is None:
            continue
        module = getattr(annotation, "module_node", None)
        file = getattr(module, "resolved_path", None) or getattr(module, "path", None) or path
        place = f"{file}:{line}"
        break
    else:
        if isinstance(error, SyntaxError) and error.lineno is not None:
            place = f"{path}:{error.lineno}"
        elif getattr(error, "lineno", None) is not None:
            place = f"{path}:{error.lineno}"  # type: ignore[attr-defined]
    message = getattr(error, "_message", None) or str(error) or repr(error)
    hint = getattr(error, "_hint", None)
    text = " ".join(f"{message}{f' (hint: {hint})' if isinstance(hint, str) else ''}".split())
    return f"{place}: does not compile: {type(error).__name__}: {text}"


def _cache_file(name: str, source_hash: str) -> Path | None:
    configured = os.environ.get("SEAWALL_CACHE")
    folder = Path(configured) if configured else Path.home() / ".cache" / "seawall"
    try:
        ensure_directory(folder / "artifacts")
    except SeawallError:
        return None  # a read-only home must not stop a run; it only compiles again
    return folder / "artifacts" / f"{name}-{source_hash[:32]}.json"


def _read_cache(file: Path, name: str, source_hash: str) -> Artifact | None:
    try:
        stored = json.loads(file.read_bytes())
        body = stored["artifact"]
        if stored["digest"] != sha256_hex(canonical_json(body)) or body["source_hash"] != source_hash:
            return None
        return Artifact(
            name=name,
            abi=tuple(body["abi"]),
            bytecode=bytes.fromhex(body["bytecode"]),
            runtime_bytecode=bytes.fromhex(body["runtime_bytecode"]),
            source_hash=source_hash,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None  # missing or damaged: compile again and overwrite


def _write_cache(file: Path, artifact: Artifact) -> None:
    body = {
        "name": artifact.name,
        "abi": list(artifact.abi),
        "bytecode": artifact.bytecode.hex(),
        "runtime_bytecode": artifact.runtime_bytecode.hex(),
        "source_hash": artifact.source_hash,
    }
    content = canonical_json({"digest": sha256_hex(canonical_json(body)), "artifact": body})
    try:
        atomic_write_bytes(file, content)
    except SeawallError:
        return  # a full disk must not stop a run either
