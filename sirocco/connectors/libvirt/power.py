"""Start, stop, restart, pause, suspend."""

import threading
from collections.abc import Callable

import libvirt

from sirocco.connectors.libvirt.hosts import Host
from sirocco.connectors.libvirt.tasks import Progress
from sirocco.connectors.ports import ConnectorError, Fault, Restart, Stop

_AGAIN = 5.0  # seconds after which a guest that was still booting is asked again
_LOOK = 0.1


def _conflict(**details: object) -> ConnectorError:
    return ConnectorError(Fault.CONFLICT, **details)


def _is(domain: libvirt.virDomain, *states: int) -> bool:
    return domain.state(0)[0] in states


def start(domain: libvirt.virDomain) -> None:
    """Boot, resume, or restore from what ``suspend`` saved."""
    if not domain.isActive():
        try:
            domain.create()
        except libvirt.libvirtError:
            if not domain.isActive():  # else somebody else was quicker
                raise
    elif _is(domain, libvirt.VIR_DOMAIN_PAUSED):
        domain.resume()
    elif _is(domain, libvirt.VIR_DOMAIN_PMSUSPENDED):
        domain.pMWakeup(0)


def stop(domain: libvirt.virDomain, action: Stop, progress: Progress) -> None:
    """Cut the power, or press the button until the guest has shut down or the caller cancels."""
    if not domain.isActive():
        _discard(domain, action)
        return
    if action.force:
        try:
            domain.destroy()
        except libvirt.libvirtError:
            if domain.isActive():
                raise
        return
    if _is(domain, libvirt.VIR_DOMAIN_PAUSED):
        raise _conflict(why="the machine is paused and cannot shut itself down: start it first, or stop it with force")
    while not _within(_AGAIN, lambda: not domain.isActive(), progress):
        try:
            domain.shutdown()
        except libvirt.libvirtError:
            if domain.isActive():
                raise


def _discard(domain: libvirt.virDomain, action: Stop) -> None:
    if domain.hasManagedSaveImage(0):
        if not action.force:
            raise _conflict(why="the machine is suspended: start it first, or stop it with force and lose its memory")
        domain.managedSaveRemove(0)


def _within(seconds: float, condition: Callable[[], bool], progress: Progress) -> bool:
    for _ in range(int(seconds / _LOOK)):
        progress.check()
        if condition():
            return True
        progress.stopping.wait(_LOOK)
    return False


def restart(host: Host, domain: libvirt.virDomain, action: Restart, progress: Progress) -> None:
    """Reset, or ask the guest to reboot and wait until it does."""
    if not domain.isActive():
        start(domain)
        return
    if action.force:
        domain.reset(0)
        if _is(domain, libvirt.VIR_DOMAIN_PAUSED):
            domain.resume()
        return
    if _is(domain, libvirt.VIR_DOMAIN_PAUSED):
        raise _conflict(why="the machine is paused and cannot reboot: start it first, or restart it with force")
    if host.settings.simulated:
        domain.reboot(0)
    else:
        _reboot(host.connection(), domain, progress)


def _reboot(connection: libvirt.virConnect, domain: libvirt.virDomain, progress: Progress) -> None:
    rebooted = threading.Event()
    number = connection.domainEventRegisterAny(
        domain, libvirt.VIR_DOMAIN_EVENT_ID_REBOOT, lambda *_: rebooted.set(), None
    )
    try:
        domain.reboot(0)
        while not _within(_AGAIN, rebooted.is_set, progress):
            domain.reboot(0)
    finally:
        connection.domainEventDeregisterAny(number)


def pause(domain: libvirt.virDomain) -> None:
    """Halt the processors."""
    if not domain.isActive():
        raise _conflict(why="the machine does not run: only a started machine can be paused")
    if not _is(domain, libvirt.VIR_DOMAIN_PAUSED):
        domain.suspend()


def suspend(domain: libvirt.virDomain) -> None:
    """Save the memory to disk; the machine runs again when it is started."""
    if domain.isActive():
        domain.managedSave(libvirt.VIR_DOMAIN_SAVE_RUNNING)
    elif not domain.hasManagedSaveImage(0):
        raise _conflict(why="the machine is stopped: only a started or paused machine can be suspended")
