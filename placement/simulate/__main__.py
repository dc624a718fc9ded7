"""`python -m placement.simulate WORKLOAD ...`; see `--help` and docs/leases.md."""

import sys

from placement.simulate.command import main

if __name__ == "__main__":
    sys.exit(main())
