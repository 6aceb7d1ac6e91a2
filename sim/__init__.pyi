# The functions are loaded by name when they are first asked for, which a type checker cannot see.
from sim.api import backtest as backtest
from sim.api import compare as compare
from sim.api import frontier as frontier
from sim.api import optimise as optimise
from sim.api import run as run
from sim.api import sensitivity as sensitivity
from sim.api import suite as suite
from sim.api import sweep as sweep

__version__: str
