from sim.api import compare as compare
from sim.api import run as run
from sim.api import sweep as sweep

__version__: str
