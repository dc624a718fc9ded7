"""The pretend serial console: a few commands that answer what a guest would know, and say plainly that it is a fake."""

import shlex
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from sirocco.connectors.fake.objects import MachineBody, conflict
from sirocco.connectors.ports import ConnectorError, State

Look = Callable[[], tuple[MachineBody, float]]

BANNER = "This is a fake machine of a fake provider: no guest runs here. Type help.\n"
HELP = "commands: echo TEXT, hostname, date, counter, ip, lsblk, userdata, help"
_LOOK_EVERY = 0.25


def answer(line: str, body: MachineBody, seconds: float) -> str:
    """What a command prints, without the newline at its end."""
    try:
        words = shlex.split(line)
    except ValueError:
        words = line.split()
    if not words:
        return ""
    match words[0]:
        case "echo":
            return " ".join(words[1:])
        case "hostname":
            return body.hostname
        case "date":
            return datetime.now(UTC).isoformat(timespec="seconds")
        case "counter":
            return str(int(seconds * 10))
        case "ip":
            return "\n".join(f"{nic.mac} {' '.join(nic.addresses)}" for nic in body.facts.nics)
        case "lsblk":
            return "\n".join(["vda", *(use.device for use in body.facts.volumes)])
        case "userdata":
            return body.user_data
        case "help":
            return HELP
    return f"{words[0]}: this fake machine knows only a few commands; {HELP}"


class FakeConsole:
    """A session: echoes what is typed, answers line by line, ends when the machine no longer runs."""

    def __init__(self, look: Look) -> None:
        self._look = look
        body, _ = look()
        if body.state is not State.STARTED:
            raise conflict(
                "WrongState",
                why="the machine is {state}, its console opens when it is {needed}",
                state=body.state,
                needed=State.STARTED,
            )
        self._prompt = f"{body.hostname}$ "
        self._out = bytearray((BANNER + self._prompt).replace("\n", "\r\n").encode())
        self._line = bytearray()
        self._changed = threading.Condition()
        self._closed = False

    def receive(self, timeout: float) -> bytes:
        """Bytes from the pretend guest."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not self._out:
                self._refuse_if_over()
                left = deadline - time.monotonic()
                if left <= 0:
                    return b""
                self._changed.wait(min(left, _LOOK_EVERY))
            data = bytes(self._out)
            self._out.clear()
            return data

    def _refuse_if_over(self) -> None:
        if self._closed or not self._runs():
            raise EOFError("the machine's console has ended")

    def _runs(self) -> bool:
        try:
            return self._look()[0].state in {State.STARTED, State.PAUSED, State.BUSY}
        except ConnectorError:
            return False

    def send(self, data: bytes) -> None:
        """Type; a paused machine answers nothing."""
        with self._changed:
            body, seconds = self._look()
            if self._closed or body.state is not State.STARTED:
                return
            for byte in data:
                self._type(byte, body, seconds)
            self._changed.notify_all()

    def _type(self, byte: int, body: MachineBody, seconds: float) -> None:
        if byte in b"\r\n":
            shown = answer(self._line.decode(errors="replace"), body, seconds)
            text = "\n" + (shown + "\n" if shown else "") + self._prompt
            self._out += text.replace("\n", "\r\n").encode()
            self._line.clear()
        elif byte in b"\x08\x7f":
            if self._line:
                self._line.pop()
                self._out += b"\b \b"
        elif byte >= 0x20 and len(self._line) < 4096:
            self._line.append(byte)
            self._out.append(byte)

    def close(self) -> None:
        """End the session."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
