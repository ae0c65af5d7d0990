"""Real git servers on the loopback interface."""

import base64
import http.server
import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from tests.guest.harness import PATH


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@contextmanager
def silent() -> Iterator[int]:
    """A server that never says a word; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@contextmanager
def git_daemon(root: Path) -> Iterator[str]:
    """`git daemon` for the repositories in `root`; its URL."""
    port = free_port()
    argv = [
        "git",
        "daemon",
        "--export-all",
        "--reuseaddr",
        "--listen=127.0.0.1",
        f"--port={port}",
        f"--base-path={root}",
        str(root),
    ]
    with subprocess.Popen(
        argv, env={"PATH": PATH, "HOME": str(root)}, stderr=subprocess.DEVNULL, start_new_session=True
    ) as daemon:
        _await_port(port)
        yield f"git://127.0.0.1:{port}"
        os.killpg(daemon.pid, 9)


def _await_port(port: int) -> None:
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", port), 0.5).close()
        except OSError:
            threading.Event().wait(0.02)
        else:
            return
    raise TimeoutError


@dataclass
class Https:
    """A TLS server with `git http-backend` behind basic authentication."""

    url: str
    ca: Path
    seen: list[str] = field(default_factory=list)
    """The credentials that came, as `name:password`."""
    hanging: threading.Event = field(default_factory=threading.Event)
    """Set once an authenticated request waits for `release`."""
    release: threading.Event = field(default_factory=threading.Event)


@contextmanager
def https(root: Path, credential: str, folder: Path, *, redirect: str | None = None, hang: bool = False) -> Iterator[Https]:
    """Serve `root` to whoever has `credential`. `redirect`: send everybody there instead. `hang`: wait until released."""
    key, ca = folder / "key.pem", folder / "ca.pem"
    folder.mkdir(exist_ok=True)
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"),
            *("-keyout", str(key), "-out", str(ca), "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ca, key)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    state = Https(f"https://localhost:{server.server_address[1]}", ca)
    if not hang:
        state.release.set()
    _Handler.settings[server] = (state, root, credential, redirect)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield state
    finally:
        state.release.set()
        server.shutdown()
        thread.join()
        server.server_close()
        del _Handler.settings[server]


class _Handler(http.server.BaseHTTPRequestHandler):
    settings: ClassVar[dict[object, tuple[Https, Path, str, str | None]]] = {}

    def do_GET(self) -> None:
        state, root, credential, redirect = self.settings[self.server]
        if redirect:
            self.send_response(302)
            self.send_header("Location", redirect + self.path)
            self.end_headers()
            return
        given = self.headers.get("Authorization", "")
        if given:
            state.seen.append(base64.b64decode(given.removeprefix("Basic ")).decode())
        if given != "Basic " + base64.b64encode(credential.encode()).decode():
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()
            return
        state.hanging.set()
        state.release.wait(30)
        self._backend(root)

    do_POST = do_GET  # noqa: N815  # the name that http.server wants

    def _backend(self, root: Path) -> None:
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        environment = {
            "PATH": PATH,
            "GIT_PROJECT_ROOT": str(root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "REMOTE_USER": "x",
        }
        output = subprocess.run(["git", "http-backend"], env=environment, input=body, capture_output=True, check=True).stdout
        head, _, content = output.partition(b"\r\n\r\n")
        self.send_response(200)
        for line in head.decode().split("\r\n"):
            name, _, value = line.partition(": ")
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name that http.server gives it
        pass
