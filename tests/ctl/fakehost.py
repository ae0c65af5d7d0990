"""A hostd that says what a test tells it to: real frames on a real socket."""

import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from shared.frames import HOST_FRAME_MAX, FrameReader
from shared.hostwire import HOST
from shared.messages import VERSION, Hello, Message, Reply, Request, Welcome, decode, encode
from tests.wire import pack

Answer = Callable[[Request], Reply | None]


class FakeHost:
    """Answers each request with what `answer` makes of it; None closes the connection."""

    def __init__(self, path: Path, answer: Answer, *, version: int = VERSION, fds: Sequence[int] = ()) -> None:
        """Listen at `path`. `fds` go with each reply."""
        self.requests: list[Message] = []
        self._answer, self._version, self._fds = answer, version, fds
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        """Stop listening, and wait for the end of the thread."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with sock:
                self._talk(sock)

    def _talk(self, sock: socket.socket) -> None:
        frames = FrameReader(HOST_FRAME_MAX)
        while data := sock.recv(65536):
            frames.feed(data)
            while (payload := frames.take()) is not None:
                message = decode(HOST.request_decoder, payload)
                if isinstance(message, Hello):
                    sock.sendall(pack(encode(Welcome(self._version))))
                    continue
                assert isinstance(message, Request)
                self.requests.append(message)
                reply = self._answer(message)
                if reply is None:
                    return
                # Byte by byte at first: a reader must put a frame together from whatever comes.
                frame = pack(encode(msgspec.structs.replace(reply, id=message.id)))
                socket.send_fds(sock, [frame[:1]], list(self._fds))
                for index in range(1, len(frame)):
                    sock.sendall(frame[index : index + 1])
