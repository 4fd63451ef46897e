"""The stand-in as an HTTP server on loopback."""

from __future__ import annotations

import json
import logging
import socket
import socketserver
import struct
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, final

from .errors import ApiError
from .faults import Fault, error_of
from .protocols import GARBAGE, Reply, Request, decode, encode, encode_error, encode_truncated
from .services import perform
from .world import World

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
LONGEST_LINE = 65_536
SHUTDOWN_POLL_SECONDS = 0.02


@final
class StandIn:
    """Serves a world from entering to leaving.

    world may be replaced at any time, latency_seconds (of every answer) be changed. An error inside the stand-in
    itself is answered with HTTP 500, kept in `crashes`, and raised on leaving.
    """

    def __init__(self, world: World | None = None, port: int = 0, latency_seconds: float = 0.0) -> None:
        self.world = world if world is not None else World()
        self.latency_seconds = latency_seconds
        self.crashes: list[Exception] = []
        self.closing = threading.Event()
        self._server = _Server(self, port)
        self.url = f"http://{HOST}:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(SHUTDOWN_POLL_SECONDS,), name="stand-in", daemon=True
        )

    def __enter__(self) -> StandIn:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if error is None and self.crashes:
            raise RuntimeError("the stand-in itself failed") from self.crashes[0]

    def close(self) -> None:
        """Stop, and cut the connections: from now on the URL refuses them."""
        if self.closing.is_set():
            return
        self.closing.set()
        if self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()
        self._server.cut_connections()

    def answer(self, headers: Mapping[str, str], body: bytes) -> Reply | None:
        """The reply to a POST; None is a reset of the connection."""
        world = self.world
        try:
            request = decode(headers, body)
            world.record(request.call)
            faults = world.faults.strike(request.call.operation, request.call.parameters)
            return self._answer_call(world, request, faults)
        except ApiError as refusal:
            return encode_error(headers, refusal)
        except Exception as crash:
            logger.exception("The stand-in itself failed")
            self.crashes.append(crash)
            return encode_error(headers, ApiError("InternalServerError", f"The stand-in failed: {crash!r}", 500))

    def _answer_call(self, world: World, request: Request, faults: list[Fault]) -> Reply | None:
        call = request.call
        for fault in faults:
            if fault.kind == "slow":
                self.closing.wait(fault.seconds)
            refusal = error_of(fault, call.operation, call.parameters, request.is_query)
            if refusal is not None:
                raise refusal
            if fault.kind == "garbage":
                return GARBAGE
            if fault.kind == "truncated":
                return encode_truncated(request)
            if fault.kind == "reset":
                return None
        reply = encode(request, perform(world, call, faults))
        return None if faults and faults[-1].kind == "lost_answer" else reply

    def answer_get(self, path: str) -> Reply:
        """What another process may ask for."""
        pages: dict[str, Any] = {"/_calls": self.world.counts, "/_throughput": self.world.all_throughput}
        if path not in pages:
            return Reply(404, {"Content-Type": "text/plain"}, b"There are /_calls and /_throughput\n")
        return Reply(200, {"Content-Type": "application/json"}, json.dumps(pages[path]()).encode())


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 1024

    def __init__(self, stand_in: StandIn, port: int) -> None:
        self.stand_in = stand_in
        self._connections: set[socket.socket] = set()
        self._connections_lock = threading.Lock()
        super().__init__((HOST, port), _Handler)

    def server_bind(self) -> None:
        # HTTPServer would look its own name up, which can take seconds.
        socketserver.TCPServer.server_bind(self)

    def opened(self, connection: socket.socket) -> None:
        with self._connections_lock:
            self._connections.add(connection)
        if self.stand_in.closing.is_set():
            self.cut_connections()

    def closed(self, connection: socket.socket) -> None:
        with self._connections_lock:
            self._connections.discard(connection)

    def cut_connections(self) -> None:
        with self._connections_lock:
            for connection in self._connections:
                with suppress(OSError):  # it may be closed meanwhile
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is no news."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    connection: socket.socket
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.server.opened(self.connection)

    def finish(self) -> None:
        self.server.closed(self.connection)
        super().finish()

    def handle_one_request(self) -> None:
        """Read the request by hand: the standard parser of headers costs more than all the rest of a call."""
        self.close_connection = True
        words = self.rfile.readline(LONGEST_LINE).decode("latin-1").split()
        if len(words) != 3:
            return
        headers: dict[str, str] = {}
        while (line := self.rfile.readline(LONGEST_LINE)) not in (b"\r\n", b"\n", b""):
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        body = self.rfile.read(int(headers.get("content-length", 0)))
        self.close_connection = words[2] != "HTTP/1.1" or headers.get("connection", "").lower() == "close"
        method, path, _ = words
        stand_in = self.server.stand_in
        if method == "GET":
            self._send(stand_in.answer_get(path))
            return
        if stand_in.latency_seconds:
            time.sleep(stand_in.latency_seconds)
        reply = stand_in.answer(headers, body)
        if reply is None:
            self._reset()
        else:
            self._send(reply)

    def _send(self, reply: Reply) -> None:
        lines = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        lines.append(f"Content-Length: {len(reply.body) + reply.missing_bytes}\r\n\r\n")
        self.connection.sendall("\r\n".join(lines).encode("latin-1") + reply.body)
        if reply.missing_bytes:
            self.close_connection = True

    def _reset(self) -> None:
        """Close so that the client meets a reset: lingering for no time throws away, and says so."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # The files hold the socket open as well.
        self.rfile.close()
        self.wfile.close()
        self.connection.close()
