"""An HTTP/2 client that may send what no client should."""

from __future__ import annotations

import ssl

import h2.config
import h2.connection
import h2.events

from tests.doors.mitmdump import Mitmdump


class Http2:
    """One HTTP/2 connection over TLS, with a client that may send what no client should."""

    def __init__(self, child: Mitmdump) -> None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        self.socket = context.wrap_socket(child.connect(), server_hostname="site.example")
        assert self.socket.selected_alpn_protocol() == "h2"
        config = h2.config.H2Configuration(
            client_side=True, header_encoding=None, validate_outbound_headers=False, normalize_outbound_headers=False
        )
        self.connection = h2.connection.H2Connection(config)
        self.connection.initiate_connection()

    def ask(
        self,
        *fields: tuple[bytes, bytes],
        method: bytes = b"GET",
        path: bytes = b"/page",
        host: bytes = b"site.example",
        body: bytes | None = None,
    ) -> tuple[int, bytes]:
        """Status and body of the answer; status 0 where the connection or the stream was ended instead."""
        stream = self.connection.get_next_available_stream_id()
        head = [(b":method", method), (b":scheme", b"https"), (b":authority", host), (b":path", path), *fields]
        self.connection.send_headers(stream, head, end_stream=body is None)
        if body is not None:
            self.connection.send_data(stream, body, end_stream=True)
        self.socket.sendall(self.connection.data_to_send())
        code, content = 0, b""
        while data := self._receive():
            for event in self.connection.receive_data(data):
                match event:
                    case h2.events.ResponseReceived():
                        code = int(dict(event.headers)[b":status"])
                    case h2.events.DataReceived():
                        content += event.data
                    case h2.events.StreamEnded():
                        return code, content
                    case h2.events.StreamReset() | h2.events.ConnectionTerminated():
                        return 0, b""
            self.socket.sendall(self.connection.data_to_send())
        return code, content

    def _receive(self) -> bytes:
        try:
            return self.socket.recv(65536)
        except ConnectionResetError:
            return b""
