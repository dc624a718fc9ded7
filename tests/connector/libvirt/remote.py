"""Hypervisor hosts as from afar: daemons that listen with TLS, and a secure shell that leads to one."""

import shutil
import socket
import stat
import subprocess
import time
from pathlib import Path

from sirocco.hypervisor import daemon, requirements
from sirocco.hypervisor.layout import HostPaths, State
from tests.authority import LOOPBACK


def free_port():
    with socket.create_server((LOOPBACK, 0)) as server:
        return server.getsockname()[1]


def start_tls_daemon(root, number, credentials, cache):
    """A libvirtd of its own in this machine's network; returns its paths and its port."""
    paths, port = HostPaths(root / f"tls{number}", f"tls{number}"), free_port()
    shutil.copytree(cache, paths.root / "cache")
    daemon._configure(paths, State(2, True, "127.0.0.0/30", "qemu", ""), number)
    settings = paths.root / "etc/libvirtd.conf"
    listening = f'listen_tls = 1\ntls_port = "{port}"\nlisten_addr = "{LOOPBACK}"\nauth_tls = "none"\n'
    listening += f'key_file = "{credentials}/clientkey.pem"\ncert_file = "{credentials}/clientcert.pem"\n'
    listening += f'ca_file = "{credentials}/cacert.pem"\n'
    settings.write_text(settings.read_text().replace("listen_tls = 0\n", listening))
    script = daemon._LAUNCH.replace("libvirtd --daemon", "libvirtd --daemon --listen")
    command = ["unshare", "--mount", "--uts", "--propagation", "private", "--", "sh", "-c", script, "sh"]
    subprocess.run([*command, paths.root, paths.name], check=True, cwd="/", stdin=subprocess.DEVNULL)
    daemon._await(paths)
    return paths, port


class SecureShell:
    """A secure shell server that takes one key, and from which the daemon of ``paths`` is the system's own."""

    def __init__(self, folder, paths):
        self.folder, self.port = folder, free_port()
        (folder / "home/.ssh").mkdir(parents=True)
        self._keys()
        script = f'mkdir -p /run/libvirt; mount --bind "$1" /run/libvirt; mount --bind "$2" {Path.home()}; '
        script += f'exec "$3" -F -E -s -j -k -p {LOOPBACK}:{self.port} -r "$4" -P "$5"'
        arguments = [paths.run, folder / "home", requirements.find("dropbear"), folder / "host-key", folder / "pid"]
        command = ["unshare", "--mount", "--propagation", "private", "--", "sh", "-ec", script, "sh", *arguments]
        self._log = (folder / "log").open("wb")
        self._server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=self._log, cwd="/")
        self._await()

    def _keys(self):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self.folder / "key"], check=True)
        generate = ["dropbearkey", "-t", "ed25519", "-f", self.folder / "host-key"]
        said = subprocess.run(generate, check=True, capture_output=True, text=True).stdout
        public = next(line for line in said.splitlines() if line.startswith("ssh-ed25519"))
        (self.folder / "known").write_text(f"[{LOOPBACK}]:{self.port} {public}\n")
        allowed = self.folder / "home/.ssh/authorized_keys"
        allowed.write_text((self.folder / "key.pub").read_text())
        for path in (self.folder / "home", allowed.parent):
            path.chmod(stat.S_IRWXU)
        wrapper = self.folder / "ssh"
        wrapper.write_text(f'#!/bin/sh\nexec ssh -F /dev/null -o UserKnownHostsFile={self.folder}/known "$@"\n')
        wrapper.chmod(stat.S_IRWXU)

    def _await(self):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self._server.poll() is None:
            try:
                socket.create_connection((LOOPBACK, self.port), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError((self.folder / "log").read_text())

    @property
    def uri(self):
        """How a client reaches the daemon."""
        return f"qemu+ssh://root@{LOOPBACK}:{self.port}/system?keyfile={self.folder}/key&command={self.folder}/ssh"

    def close(self):
        self._server.terminate()
        self._server.wait(10)
        self._log.close()
