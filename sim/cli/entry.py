"""From an argument list to an exit code: every failure is a line on stderr, never a traceback.

Exit codes: 0 done, 1 an expectation, an invariant or a margin formula failed, 2 bad input, 3 could not
finish, 130 interrupted.
"""

import os
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import typer

from sim.cli.app import app
from sim.cli.consoles import errors_console, say
from sim.core.errors import SeawallError

EXIT_BAD_INPUT = 2
EXIT_UNFINISHED = 3
EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Parameters
    ----------
    arguments
        Without the program's name; those of the process by default.
    """
    try:
        with _termination_is_an_interrupt():
            code = typer.main.get_command(app)(
                args=list(sys.argv[1:] if arguments is None else arguments),
                prog_name="seawall",
                standalone_mode=False,
            )
        sys.stdout.flush()
    except SeawallError as error:
        return _fail(str(error), error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        return _fail("interrupted", EXIT_INTERRUPTED)
    except typer.exceptions.TyperException as error:
        return _fail(f"{_message(error)} (see seawall --help)", EXIT_BAD_INPUT)
    except BrokenPipeError:
        _silence_stdout()
        return EXIT_UNFINISHED
    except OSError as error:
        return _fail(_os_message(error), EXIT_UNFINISHED)
    except MemoryError:
        return _fail("not enough memory for this scenario", EXIT_UNFINISHED)
    except Exception as error:  # noqa: BLE001  (the last line of defence: a user never sees a traceback)
        return _fail(_crash_message(error), EXIT_UNFINISHED)
    if code == EXIT_INTERRUPTED:  # the command-line library has turned Ctrl-C into an exit code
        return _fail("interrupted", EXIT_INTERRUPTED)
    return code if isinstance(code, int) else 0


@contextmanager
def _termination_is_an_interrupt() -> Iterator[None]:
    """Let SIGTERM, by which CI and containers cancel, clean up as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers
        return
    earlier = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if earlier is None else earlier)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _fail(message: str, code: int) -> int:
    console = errors_console()
    for line in message.splitlines() or [""]:
        say(console, f"seawall: {line}")
    return code


def _message(error: typer.exceptions.TyperException) -> str:
    formatted = getattr(error, "format_message", None)
    return str(formatted() if callable(formatted) else error).rstrip(".")


def _os_message(error: OSError) -> str:
    place = f"{error.filename}: " if error.filename else ""
    return f"{place}{error.strerror or error}"


def _crash_message(error: Exception) -> str:
    """Write the traceback to a file of its own and return one line that names it."""
    first_line = (str(error).splitlines() or ["no message"])[0]
    summary = f"internal error, {type(error).__name__}: {first_line}"
    try:
        handle, name = tempfile.mkstemp(prefix="seawall-crash-", suffix=".log")
        with os.fdopen(handle, "w", encoding="utf-8") as log:
            log.write("arguments: " + " ".join(sys.argv[1:]) + "\n")
            log.write("".join(traceback.format_exception(error)))
    except OSError:
        return summary
    return f"{summary}; details in {Path(name)}"


def _silence_stdout() -> None:
    """Point stdout at nothing, so that flushing it at exit does not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
