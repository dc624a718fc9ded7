"""``siroccod up`` with stand-ins instead of Sirocco's own processes: supervisor and engine are the real ones."""

import asyncio
import sys
from pathlib import Path

from sirocco.ops import embedded
from sirocco.ops.errors import OperationError
from sirocco.ops.lock import sole
from sirocco.ops.logging import configure
from sirocco.ops.settings import load, prepare_home

STAND_IN = Path(__file__).with_name("stand_in.py")


def main():
    settings = load()
    prepare_home(settings)
    configure(settings, "supervisor")
    names = ("migrate", "web", "console", "worker", "solver", "first-start")
    commands = {name: (sys.executable, str(STAND_IN), name) for name in names}
    for name in sys.argv[1:]:
        commands[name] = (sys.executable, str(STAND_IN), "fails")
    try:
        with sole(settings):
            return asyncio.run(embedded.Embedded(settings, lambda text: print(text, flush=True), commands).run())
    except OperationError as error:
        print(f"Error: {error}", flush=True)
        return 1


if __name__ == "__main__":
    sys.exit(main())
