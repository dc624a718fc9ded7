"""A process that kills itself (SIGKILL) before or after its k-th changing call to libvirt, in the middle of its work.

python -m tests.connector.libvirt.dying ORDER   (JSON: settings, verb, kind, spec or ref, token, k, when)
"""

import functools
import json
import os
import signal
import sys

import libvirt

from sirocco.connectors import ports
from sirocco.connectors.ports import Done, ProviderSettings
from sirocco.connectors.registry import open_connector

CHANGING = {
    libvirt.virConnect: ("defineXML", "networkDefineXML", "storagePoolDefineXML"),
    libvirt.virDomain: ("create", "destroy", "undefineFlags", "setMetadata"),
    libvirt.virNetwork: ("create", "destroy", "undefine", "setAutostart", "update"),
    libvirt.virStoragePool: ("createXML", "createXMLFrom", "build", "create"),
    libvirt.virStorageVol: ("delete", "resize", "upload"),
    libvirt.virStream: ("sendAll", "finish"),
}


def arm(k, when):
    """Let the k-th changing call be the last."""
    count = 0

    def deadly(call):
        @functools.wraps(call)
        def wrapped(*arguments, **named):
            nonlocal count
            count += 1
            mine = count == k
            if mine and when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            result = call(*arguments, **named)
            if mine:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return wrapped

    for kind, methods in CHANGING.items():
        for method in methods:
            setattr(kind, method, deadly(getattr(kind, method)))


def spec_of(order):
    """The asked-for object."""
    fields = dict(order["spec"])
    if order["kind"] == "MachineSpec":
        fields["disks"] = tuple(ports.DiskSpec(*disk) for disk in fields["disks"])
        fields["nics"] = tuple(ports.NicSpec(*nic) for nic in fields["nics"])
        fields["seed"] = ports.Seed(fields["seed"])
    if order["kind"] == "ImageSpec" and fields.get("boot"):
        fields["boot"] = ports.KernelBoot(**fields["boot"])
    return getattr(ports, order["kind"])(**fields)


def ref_of(order):
    """The object that is acted on."""
    return ports.Ref(ports.Kind(order["ref"][0]), order["ref"][1])


def work(order):
    """Do what is ordered, or die."""
    connector = open_connector("libvirt", ProviderSettings("dying", order["settings"]))
    if order["verb"] == "create":
        op = connector.create(spec_of(order), token=order["token"])
    elif order["verb"] == "migrate":
        print("begun", flush=True)
        op = connector.act(ref_of(order), ports.Migrate(order["host"], copy_storage=True), token=order["token"])
    elif order["verb"] == "capture":
        op = connector.act(ref_of(order), ports.Capture("kept"), token=order["token"])
    else:
        op = connector.delete(ref_of(order), token=order["token"])
    while op.done is Done.PENDING and (status := connector.poll(op)).done is not Done.OK:
        if status.error:
            raise status.error
    connector.close()


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    arm(given["k"], given["when"])
    work(given)
