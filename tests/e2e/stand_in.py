"""Small processes that behave as Sirocco's own towards a supervisor: ``stand_in.py web|console|worker|solver|...``."""

import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

from sirocco.ops.health import BEAT, beat
from sirocco.ops.listen import listening_socket
from sirocco.ops.settings import load

ended = threading.Event()


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, *_):
        pass


def serve(settings):
    server = HTTPServer((settings.host, 0), Answer, bind_and_activate=False)
    server.socket.close()
    server.socket = listening_socket(settings.host, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ended.wait()


def work(settings, role):
    while not ended.wait(BEAT):
        if not (settings.home / f"hang-{role}").exists():
            beat(settings, role)


def main(role):
    settings = load()
    if role == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    print(f"password seen by {role}: {settings.admin_password.get_secret_value() or 'none'}", flush=True)
    if role in {"web", "console"}:
        serve(settings)
    elif role in {"worker", "solver"}:
        beat(settings, role)
        work(settings, role)


if __name__ == "__main__":
    main(sys.argv[1])
