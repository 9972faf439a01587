"""How long the gateway waits for whom, and how much it takes."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds. One timer looks at all of them, so what ends ends up to a quarter of the shortest later."""

    # nginx's default; longer than proxies in front keep a connection (60 s), short enough for idle ones not to pile
    # up. It bounds a slow head, too: a connection that has sent no whole request head by then is closed.
    for_head: float = 75.0
    for_body: float = 60.0  # nginx's client_body_timeout: between two reads of a request's body
    to_be_read: float = 300.0  # a visitor takes what the buffers hold: at 2 kB a second enough for all of it
    for_connection: float = 10.0  # to the origin
    for_origin: float = 300.0  # from the end of the upload to the head, and between two reads of a body
    # Shorter than any common origin waits for the next request (gunicorn 2 s; Apache, node and uvicorn 5 s): a request
    # on a connection that the origin is closing is lost, and a POST must not be sent twice.
    idle_origin: float = 1.5
    to_part: float = 5.0  # nginx's lingering_timeout: a visitor reads a refusal that came before the upload's end
    to_drain: float = 30.0  # requests under way, once the gateway has been told to end

    @property
    def look_every(self) -> float:
        """Seconds between two looks at who has waited too long."""
        return min(float(getattr(self, field.name)) for field in fields(self)) / 4
