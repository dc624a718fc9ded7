"""The local hypervisor: a private libvirtd with QEMU, apart from whatever else the machine runs."""
