"""``python -m ovf``: read, judge, convert, pack and sign OVF packages."""

import sys

from ovf.cli import main

sys.exit(main(sys.argv[1:]))
