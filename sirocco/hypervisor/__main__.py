"""``python -m sirocco.hypervisor start|stop|status --root DIR``: the local hypervisor by hand."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from sirocco.hypervisor import local, requirements
from sirocco.hypervisor.layout import HypervisorError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sirocco.hypervisor", description=__doc__)
    parser.add_argument("command", choices=("start", "stop", "status"))
    parser.add_argument("--root", type=Path, required=True, help="folder that holds everything of this hypervisor")
    parser.add_argument("--hosts", type=int, choices=(1, 2), default=1, help="libvirt daemons to run (start)")
    parser.add_argument(
        "--separate-storage", action="store_true", help="give each host a folder of disks of its own (start)"
    )
    parser.add_argument("--json", action="store_true", help="print the state and provider settings as JSON")
    return parser


def _run(options: argparse.Namespace) -> dict[str, Any]:
    if options.command == "start":
        return local.start(options.root, hosts=options.hosts, shared_storage=not options.separate_storage)
    if options.command == "stop":
        local.stop(options.root)
    return local.status(options.root)


def _show(state: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(state, indent=1))  # noqa: T201 - the command's output
        return
    word = "runs" if state["running"] else "does not run"
    print(f"The local hypervisor in {state['root']} {word}.")  # noqa: T201
    for host in state["hosts"]:
        print(f"  {host['name']}: " + (f"pid {host['pid']}" if host["pid"] else "down"))  # noqa: T201


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0 done, 1 could not; the reason and the fallback go to standard error."""
    options = _parser().parse_args(arguments)
    try:
        state = _run(options)
    except HypervisorError as error:
        fallback = "test:///default" if requirements.test_driver() else "none"
        print(f"{error}\nlibvirt simulator that could serve instead: {fallback}", file=sys.stderr)  # noqa: T201
        return 1
    _show(state, as_json=options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
