"""Start, stop and describe the local hypervisor under a root folder."""

import contextlib
import os
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from pathlib import Path
from typing import Any

from sirocco.hypervisor import accelerator, daemon, network, requirements
from sirocco.hypervisor.layout import HostPaths, HypervisorError, Layout, State

_AT_ONCE = 4  # machines saved or resumed at a time
_SAVING = 120.0  # seconds that one may take; it is ended where it would take longer


def start(root: Path, *, hosts: int = 1, shared_storage: bool = True) -> dict[str, Any]:
    """Bring the hypervisor up, or find it up; returns what ``status`` returns.

    Raises ``HypervisorError`` naming what is missing and its remedy.
    """
    _require()
    layout = Layout(root.resolve())
    layout.root.mkdir(parents=True, exist_ok=True)
    state = _state(layout, hosts, shared_storage)
    _forget_last_run(layout, state)
    network.create(layout, state)
    for number in range(0 if state.shared_storage else 1, 1 if state.shared_storage else state.hosts + 1):
        layout.pool(number).mkdir(mode=0o711, exist_ok=True)
    for number in range(1, state.hosts + 1):
        _warm(layout, number)
        daemon.start(layout, state, number)
    for number in range(1, state.hosts + 1):
        _resume_guests(layout.host(number))
    return status(root)


def _require() -> None:
    lacks = requirements.missing()
    if lacks:
        faults = (
            HypervisorError("{what} missing: {remedy}", what=lack.what, remedy=HypervisorError(lack.remedy))
            for lack in lacks
        )
        cause = reduce(lambda one, other: HypervisorError("{one}; {other}", one=one, other=other), faults)
        raise HypervisorError("the local hypervisor cannot run here. {cause}", cause=cause)
    requirements.ensure_user()


def _state(layout: Layout, hosts: int, shared_storage: bool) -> State:  # noqa: FBT001 - read at one place
    """What an earlier start decided and still runs, or a new decision."""
    known = State.load(layout.state_file)
    running = any(daemon.pid(layout.host(number)) for number in range(1, 3))
    if known and running and (known.hosts, known.shared_storage) != (hosts, shared_storage):
        raise HypervisorError("the hypervisor runs already, with hosts: {count}; stop it first", count=known.hosts)
    verdict = accelerator.probe(layout.root / "accelerator.json")
    state = State(hosts, shared_storage, _addresses(layout, known), verdict.domain_type, verdict.why)
    state.save(layout.state_file)
    return state


def _forget_last_run(layout: Layout, state: State) -> None:
    """What libvirt keeps under /run is gone after a boot; its autostart of networks and pools counts on that."""
    if not network.exists(layout):
        for number in range(1, state.hosts + 1):
            shutil.rmtree(layout.host(number).run, ignore_errors=True)


def _addresses(layout: Layout, known: State | None) -> str:
    """The range used before if it is still free: networks defined in it are then reached as before."""
    if known and network.exists(layout):
        return known.addresses
    routes = network.routes()
    if known and network.is_free(known.addresses, routes):
        return known.addresses
    return network.free_range(routes)


def _warm(layout: Layout, number: int) -> None:
    """Give a further host the first one's answers about QEMU: saves seconds at its first start."""
    source, target = layout.host(1).root / "cache/qemu", layout.host(number).root / "cache/qemu"
    if number > 1 and source.is_dir() and not target.exists():
        shutil.copytree(source, target)


def status(root: Path) -> dict[str, Any]:
    """Whether the hypervisor runs, and the settings a ``libvirt`` provider takes to use it."""
    layout = Layout(root.resolve())
    state = State.load(layout.state_file)
    if state is None:
        return {"running": False, "root": str(layout.root), "hosts": []}
    hosts = [layout.host(number) for number in range(1, state.hosts + 1)]
    pids = [daemon.pid(host) for host in hosts]
    return {
        "running": all(pids),
        "root": str(layout.root),
        "namespace": layout.namespace,
        "hosts": [{"name": host.name, "pid": pid} for host, pid in zip(hosts, pids, strict=True)],
        "accelerator": state.accelerator,
        "reason": state.reason,
        "addresses": state.addresses,
        "network": {"name": "default", "cidr": state.first_network, "nat": True},
        "provider": {"kind": "libvirt", "settings": _settings(layout, state, hosts)},
    }


def _settings(layout: Layout, state: State, hosts: list[HostPaths]) -> dict[str, Any]:
    shared = state.shared_storage
    return {
        "hosts": [
            {
                "name": host.name,
                "uri": host.uri,
                "pool": "sirocco",
                "pool_path": str(layout.pool(0 if shared else number)),
                "migrate_uri": host.uri,
            }
            for number, host in enumerate(hosts, start=1)
        ],
        "domain_type": state.accelerator,
        "domain_type_reason": state.reason,
        "shared_storage": shared,
        "shared_network": True,
        "forward_mode": "open",
        "same_machine": True,
    }


def stop(root: Path) -> None:
    """Save the machines, end networks and daemons, then the namespace; stopped already is fine.

    Disks and definitions stay, and machines that ran go on where they were when the hypervisor is started again.
    """
    layout = Layout(root.resolve())
    state = State.load(layout.state_file)
    if state is None:
        return
    for number in range(1, state.hosts + 1):
        host = layout.host(number)
        with contextlib.suppress(HypervisorError):  # a daemon that does not answer cannot save machines: end them all
            if daemon.pid(host) is not None:
                _end_guests(host)
                daemon.stop(host)
    _sweep(layout)
    network.remove(layout)


def _end_guests(host: HostPaths) -> None:
    """Machines and networks outlive libvirtd, so they go first; what ran goes on at the next start."""
    running = daemon.virsh(host, "list", "--name").split()
    host.running.write_text("\n".join(running))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(lambda name: _quietly(host, "managedsave", name, seconds=_SAVING), running))
    for name in daemon.virsh(host, "list", "--name").split():
        _quietly(host, "destroy", name)
    for name in daemon.virsh(host, "net-list", "--name").split():
        _quietly(host, "net-destroy", name)


def _resume_guests(host: HostPaths) -> None:
    """Let machines go on that ran when the hypervisor was stopped."""
    if host.running.exists():
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            names = host.running.read_text().split()
            list(pool.map(lambda name: _quietly(host, "start", name, seconds=_SAVING), names))
        host.running.unlink()


def _quietly(host: HostPaths, *command: str, seconds: float = 30.0) -> None:
    with contextlib.suppress(HypervisorError):  # ended or removed meanwhile; the sweep takes what is left
        daemon.virsh(host, *command, seconds=seconds)


def _sweep(layout: Layout) -> None:
    """After a daemon was killed its machines run on; whatever lives in our own namespace is ours to end."""
    left = network.processes(layout)
    for number in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    daemon.wait_gone(left, 10.0)
