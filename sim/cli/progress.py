"""The progress of a run on a terminal: block, price, liquidations, fund. Silent elsewhere."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sim.engine.blocks.loop import Progress as BlockProgress
from sim.reporting.formatting import shorten

_WIDE = 110
"""Columns from which a bar and the time left stand beside the numbers; on fewer they would cut each other."""
_NUMBERS = 62
"""Columns that the numbers take."""


class RunProgress:
    """A progress bar for the blocks of one run."""

    def __init__(self, console: Console, name: str) -> None:
        wide = console.width >= _WIDE
        self._bar = Progress(
            TextColumn("{task.description}"),
            *([BarColumn(bar_width=24)] if wide else []),
            MofNCompleteColumn(),
            TextColumn(
                "price {task.fields[price]}  liquidations {task.fields[liquidations]}  "
                "fund {task.fields[fund]}"
            ),
            *([TimeRemainingColumn(compact=True)] if wide else []),
            console=console,
            transient=True,
            disable=not console.is_terminal,
            refresh_per_second=8,
        )
        room = max(console.width - _NUMBERS - (36 if wide else 0), 4)
        self._task = self._bar.add_task(shorten(name, room), total=None, price="-", liquidations=0, fund="-")

    def __enter__(self) -> Self:
        """Show the bar."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the bar."""
        self._bar.stop()

    def begin(self, blocks: int) -> None:
        """Set how many blocks the run has, once that is known."""
        self._bar.update(self._task, total=blocks)

    def show(self, progress: BlockProgress) -> None:
        """Update the bar after a block."""
        self._bar.update(
            self._task,
            completed=progress.block,
            price=f"{progress.price:,.2f}",
            liquidations=progress.liquidations,
            fund=f"{progress.insurance_fund:,.0f}",
        )
