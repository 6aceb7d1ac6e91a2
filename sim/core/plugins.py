"""Plug-ins: files of Python that add declarations to the registries, named by the user and by nobody else.

A plug-in runs with all the rights of its user, so that none is ever executed because a file says so: not a
scenario, not an experiment, not a results folder. Whoever repeats a run names the file again, and its hash is
compared with the recorded one first.
"""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO

from sim.core.digest import sha256_hex
from sim.core.errors import InputError, RunError, SeawallError
from sim.core.folders import Folder
from sim.core.registry import Registry, registries

MAX_PLUGIN_BYTES = 1 << 20

_BRINGS_EVERY_REGISTRY = "sim.engine.run"
"""Imported before a plug-in is executed, so that what it added can be told from what ships."""

PLUGINS = "plugins"
"""Folder, among the inputs of results, of the plug-ins that took part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """A file of declarations, read but perhaps not yet executed."""

    path: Path
    content: bytes
    sha256: str

    @classmethod
    def read(cls, path: Path) -> Plugin:
        """Return the plug-in of a file, without executing it.

        Raises
        ------
        InputError
            It is no Python file, cannot be read or is larger than 1 MiB.
        """
        if path.suffix != ".py":
            raise InputError(f"--plugin {path}: must be a Python file, its name ending in .py")
        if not path.is_file():
            told = "is no regular file" if path.exists() else "there is no such file"
            raise InputError(f"--plugin {path}: {told}")
        try:
            with path.open("rb") as stream:
                content = stream.read(MAX_PLUGIN_BYTES + 1)
        except OSError as error:
            raise InputError(f"--plugin {path}: cannot be read: {error.strerror or error}") from None
        if len(content) > MAX_PLUGIN_BYTES:
            raise InputError(f"--plugin {path}: larger than {MAX_PLUGIN_BYTES} bytes")
        return cls(path=path, content=content, sha256=sha256_hex(content))

    @property
    def module_name(self) -> str:
        """Name under which it is among Python's modules while it is in force."""
        return f"seawall_plugin_{self.sha256[:16]}"

    def record(self) -> dict[str, str]:
        """Return what a manifest says of it."""
        return {"file": self.path.name, "sha256": self.sha256}


def read_plugins(paths: Iterable[Path]) -> tuple[Plugin, ...]:
    """Return the plug-ins of files, in the order given; a file given twice counts once.

    Raises
    ------
    InputError
        One cannot be read, or two have one name.
    """
    found: dict[str, Plugin] = {}
    for path in paths:
        plugin = Plugin.read(path)
        known = found.setdefault(path.name, plugin)
        if known.sha256 != plugin.sha256:
            raise InputError(f"--plugin {path}: another plug-in is called {path.name} too; rename one")
    return tuple(found.values())


def require_named(recorded: object, given: Sequence[Plugin], where: str) -> None:
    """Refuse to repeat what plug-ins took part in unless the user named exactly these files.

    Parameters
    ----------
    recorded
        The records of a manifest, as found there.
    given
        What the user named on the command line or in the API.
    where
        File of the records, for messages.

    Raises
    ------
    InputError
        A recorded plug-in was not named, has another content, or one was named that took no part.
    """
    wanted = _records(recorded, where)
    have = {plugin.path.name: plugin for plugin in given}
    problems = []
    for name, digest in wanted.items():
        if name not in have:
            problems.append(
                f"{where}: the plug-in {name} took part (SHA-256 {digest[:16]}...); nothing executes it"
                f" unless you name the file: --plugin PATH/{name}"
            )
        elif have[name].sha256 != digest:
            problems.append(
                f"--plugin {have[name].path}: is not the plug-in that took part: its SHA-256 is"
                f" {have[name].sha256[:16]}..., the recorded one {digest[:16]}..."
            )
    problems += [
        f"--plugin {plugin.path}: took no part according to {where}; leave it out"
        for name, plugin in have.items()
        if name not in wanted
    ]
    if problems:
        raise InputError(problems)


_lock = threading.Lock()
_loaded: list[tuple[Plugin, list[tuple[Registry[Any], str]]]] = []
"""Plug-ins in force with what each declared, in the order they were executed."""


def active() -> tuple[Plugin, ...]:
    """Return the plug-ins whose declarations are in force: they belong to whatever is run now."""
    return tuple(plugin for plugin, _ in _loaded)


_RECORDS = ("manifest.json", "crash.json", "inputs/plan.json")
"""Files of a results folder that say which plug-ins took part."""


def require_named_in(path: Path, given: Sequence[Plugin]) -> None:
    """Refuse plug-ins for a results folder unless they are those that took part; none is executed for it.

    Parameters
    ----------
    path
        Results folder, or one of the files in it that say which plug-ins took part. What is neither says
        nothing about plug-ins, and passes.

    Raises
    ------
    InputError
        As `require_named`, or a file that says it is damaged.
    """
    folder, names = (path, _RECORDS) if path.is_dir() else (path.parent, (path.name,))
    if not path.is_dir() and path.name not in _RECORDS:
        return
    opened = Folder(folder)
    found = {name: opened.json(name).get(PLUGINS) for name in names if opened.has(name)}
    for name, recorded in found.items():
        if recorded is not None or all(other is None for other in found.values()):
            require_named(recorded, given, str(folder / name))


@contextmanager
def loaded(plugins: Sequence[Plugin]) -> Iterator[None]:
    """Execute plug-ins, keep what they declare while the body runs, and take it out again.

    Raises
    ------
    InputError
        One cannot be executed, declares nothing, or declares a name that is taken.
    RunError
        A line of a plug-in failed in the body; the error itself is the cause.
    """
    before = len(_loaded)
    try:
        for plugin in plugins:
            _load(plugin)
        yield
    except (SeawallError, MemoryError, BrokenPipeError):
        raise
    except Exception as error:
        if (place := line_of_plugin(error)) is None:
            raise
        raise RunError(f"{place}: {_in_a_line(error)}") from error
    finally:
        _unload(before)


def hold(plugins: Sequence[Plugin]) -> None:
    """Make exactly these plug-ins the ones in force, for a worker that runs one task after the other.

    A process holds one set at a time: threads of one worker must serve the same sweep.

    Raises
    ------
    InputError
        As `loaded`.
    """
    with _lock:
        if [plugin.sha256 for plugin in active()] == [plugin.sha256 for plugin in plugins]:
            return
        _unload(0)
        for plugin in plugins:
            _load(plugin)


def _load(plugin: Plugin) -> None:
    _loaded.append((plugin, _execute(plugin)))


def _unload(down_to: int) -> None:
    while len(_loaded) > down_to:
        plugin, added = _loaded.pop()
        for registry, name in reversed(added):
            registry.remove(name)
        sys.modules.pop(plugin.module_name, None)


def _execute(plugin: Plugin) -> list[tuple[Registry[Any], str]]:
    """Execute one plug-in and return what it added; nothing of it stays when it fails."""
    import_module(_BRINGS_EVERY_REGISTRY)
    before = {registry: registry.declared() for registry in registries()}
    module = ModuleType(plugin.module_name)
    module.__file__ = str(plugin.path)
    module.__dict__["print"] = _print_beside_results
    # Annotations written as text are looked up in the module of their class, which must be found for that.
    sys.modules[plugin.module_name] = module
    failure: InputError | None = None
    try:
        code = compile(plugin.content, str(plugin.path), "exec", dont_inherit=True)
        exec(code, module.__dict__)  # noqa: S102  (the user named this file to be executed)
    except InputError as error:
        failure = InputError([f"--plugin {plugin.path}: {line}" for line in error.problems])
    except SyntaxError as error:
        place = plugin.path if error.lineno is None else f"{plugin.path}:{error.lineno}"
        failure = InputError(f"{place}: not valid Python: {error.msg}")
    except (Exception, SystemExit) as error:  # noqa: BLE001  (a stranger's code may raise anything; it is told, not hidden)
        place = line_of_plugin(error, (plugin,)) or f"--plugin {plugin.path}"
        failure = InputError(f"{place}: {_in_a_line(error)}")
    except BaseException:  # the user's interrupt: nothing of a half-executed file may stay
        _put_back(before, plugin)
        raise
    added = [
        (registry, name) for registry, held in before.items() for name in registry.names() if name not in held
    ]
    lost = [
        f"{registry.what} {name!r}"
        for registry, held in before.items()
        for name, declaration in held.items()
        if registry.get(name) is not declaration
    ]
    if failure is None and lost:
        failure = InputError(
            f"--plugin {plugin.path}: takes away or replaces the {lost[0]}; declare another name"
        )
    if failure is None and not added:
        failure = InputError(
            f"--plugin {plugin.path}: declares nothing; CONTRIBUTING.md shows what a plug-in looks like"
        )
    if failure is not None:
        _put_back(before, plugin)
        raise failure
    return added


def _put_back(before: Mapping[Registry[Any], Mapping[str, Any]], plugin: Plugin) -> None:
    """Leave nothing of a plug-in that did not get to its end."""
    for registry, held in before.items():
        if registry.declared() != held:
            registry.put_back(held)
    sys.modules.pop(plugin.module_name, None)


def _print_beside_results(*values: object, file: TextIO | None = None, **options: Any) -> None:
    """Print as a plug-in may: on stderr unless told, as stdout belongs to the command's own results."""
    print(*values, file=sys.stderr if file is None else file, **options)


def line_of_plugin(error: BaseException, plugins: Sequence[Plugin] | None = None) -> str | None:
    """Return ``file:line`` of the last line of a plug-in that led to an error, None if none did.

    Parameters
    ----------
    plugins
        Whose lines count: those in force by default.
    """
    files = {str(plugin.path) for plugin in (active() if plugins is None else plugins)}
    lines = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in files]
    return f"{lines[-1].filename}:{lines[-1].lineno}" if lines else None


def _in_a_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or ['no message'])[0]}"


def _records(recorded: object, where: str) -> dict[str, str]:
    if recorded is None:
        return {}
    if not isinstance(recorded, list):
        raise InputError(f"{where}: plugins: must be a list")
    found: dict[str, str] = {}
    for record in recorded:
        if (
            not isinstance(record, Mapping)
            or not isinstance(record.get("file"), str)
            or not isinstance(record.get("sha256"), str)
        ):
            raise InputError(f"{where}: plugins: must be tables of file and sha256")
        found[record["file"]] = record["sha256"]
    return found
