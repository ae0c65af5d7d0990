"""A package registry on loopback, with packages that a test makes: what the real npm is pointed at."""

import base64
import hashlib
import io
import json
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Registry:
    """Serves packages. `silent` lets it take requests and answer none."""

    def __init__(self) -> None:
        """Listen at once."""
        self.tarballs: dict[str, bytes] = {}
        self.manifests: dict[str, dict[str, object]] = {}
        self.silent = False
        self.asked = threading.Event()
        self._over = threading.Event()
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # the name is http.server's
                registry.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    @property
    def url(self) -> str:
        """What npm calls `registry`."""
        return f"http://127.0.0.1:{self._server.server_port}/"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """One request."""
        self.asked.set()
        if self.silent:
            self._over.wait()
            return
        path = request.path.lstrip("/")
        body = self.tarballs.get(path) or (json.dumps(self.manifests[path]).encode() if path in self.manifests else None)
        request.send_response(200 if body else 404)
        request.send_header("Content-Length", str(len(body or b"{}")))
        request.end_headers()
        request.wfile.write(body or b"{}")

    def close(self) -> None:
        """Stop listening."""
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def publish(self, name: str, version: str, files: dict[str, str | bytes], **manifest: object) -> str:
        """Make a package; answers its digest, as a lock has it."""
        package = {"name": name, "version": version, **manifest}
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as tar:
            for path, content in {"package.json": json.dumps(package), **files}.items():
                data = content.encode() if isinstance(content, str) else content
                entry = tarfile.TarInfo(f"package/{path}")
                entry.size, entry.mode = len(data), 0o755
                tar.addfile(entry, io.BytesIO(data))
        tarball = f"{name}-{version}.tgz"
        self.tarballs[tarball] = packed.getvalue()
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(packed.getvalue()).digest()).decode()
        dist = {"tarball": f"{self.url}{tarball}", "integrity": integrity}
        known = self.manifests.setdefault(name, {"name": name, "dist-tags": {"latest": version}, "versions": {}})
        known["versions"][version] = {**package, "dist": dist}  # type: ignore[index]  # JSON
        return integrity


def pin(folder: Path, name: str, version: str, integrity: str, **more: object) -> None:
    """Write a pin as those of `ctl/pins`."""
    folder.mkdir(parents=True, exist_ok=True)
    root = {"name": "pin", "dependencies": {name: version}}
    entry = {"version": version, "integrity": integrity, **more}
    lock = {"name": "pin", "lockfileVersion": 3, "requires": True, "packages": {"": root, f"node_modules/{name}": entry}}
    (folder / "package.json").write_text(json.dumps({"private": True, **root}))
    (folder / "package-lock.json").write_text(json.dumps(lock))
