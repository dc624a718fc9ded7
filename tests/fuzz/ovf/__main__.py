"""``python -m tests.fuzz.ovf SECONDS [TARGET]``: fuzz the parsers of OVF packages with atheris.

Each target runs in a process of its own for that many seconds. It fails on any error but the library's own, on
input that takes over a second, and when memory grows beyond 200 MiB over that of the interpreter.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

TARGETS = ("descriptor", "manifest", "tar", "disk_header", "environment", "values")


def main(arguments: list[str]) -> int:
    seconds = int(arguments[0]) if arguments else 60
    chosen = arguments[1:] or TARGETS
    failed = []
    for target in chosen:
        with tempfile.TemporaryDirectory(prefix="ovf-fuzz-") as folder:
            (Path(folder) / "corpus").mkdir()
            command = [sys.executable, "-m", "tests.fuzz.ovf.run", target, str(seconds), folder]
            done = subprocess.run(command, check=False, capture_output=True, text=True)
            last = [line for line in done.stderr.splitlines() if line.startswith(("#", "Done"))][-1:]
            print(f"{target:12} {'ok' if done.returncode == 0 else 'FAILED'}  {''.join(last)[:90]}", flush=True)
            if done.returncode:
                failed.append(target)
                print(done.stderr[-3000:], file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
