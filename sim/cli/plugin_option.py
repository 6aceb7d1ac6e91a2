"""``--plugin FILE.py``: what a command does while the user's own declarations are in force."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from sim.core.plugins import loaded, read_plugins

PluginOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--plugin",
        help="Python file with own agents, price processes, impact laws, shocks or metrics; executed.",
        metavar="FILE.py",
    ),
]


def takes_plugins(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the option, and run it with what the files declare; afterwards that is gone again."""

    @functools.wraps(command)
    def with_plugins(*arguments: Any, plugins: list[Path] | None = None, **options: Any) -> int:
        with loaded(read_plugins(plugins or ())):
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
