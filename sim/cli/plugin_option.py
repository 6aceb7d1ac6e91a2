"""``--plugin FILE.py``: what a command does while the user's own declarations are in force."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from sim.core.plugins import loaded, read_plugins, require_named_in

PluginOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin",
        help="Python file with own agents, price processes, impact laws, shocks or metrics; executed.",
        metavar="FILE.py",
    ),
]


def takes_plugins(command: Callable[..., int], *, of: str | None = None) -> Callable[..., int]:
    """Give a command the option, and run it with what the files declare; afterwards that is gone again.

    Parameters
    ----------
    of
        Name of the command's argument that may be a results folder: its plug-ins are executed only if the
        user names the same files again, which is checked first.
    """

    @functools.wraps(command)
    def with_plugins(*arguments: Any, plugins: list[Path] | None = None, **options: Any) -> int:
        given = read_plugins(plugins or ())
        if of is not None:
            require_named_in(Path(options[of]), given)
        with loaded(given):
            return command(*arguments, **options)

    signature = inspect.signature(command)
    option = inspect.Parameter(
        "plugins", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=PluginOption
    )
    with_plugins.__signature__ = signature.replace(  # type: ignore[attr-defined]  # what typer reads
        parameters=[*signature.parameters.values(), option]
    )
    with_plugins.__annotations__ = {**command.__annotations__, "plugins": PluginOption}
    return with_plugins


def takes_plugins_of(argument: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Return `takes_plugins` for a command whose argument may be a results folder."""
    return functools.partial(takes_plugins, of=argument)
