"""A request as handlers have it: that of Starlette, with what this project reads of it."""

from __future__ import annotations

from starlette.requests import Request as StarletteRequest


class Request(StarletteRequest):
    """Of headers and cookies that come several times it gives one; of parameters of the query
    `query_params.getlist` gives all."""

    @property
    def path(self) -> str:
        """Without escapes, and without slashes at its end or one behind the other."""
        path: str = self.scope["path"]
        return path

    @property
    def scheme(self) -> str:
        """That of the client, as far as a trusted proxy tells of it."""
        scheme: str = self.scope["scheme"]
        return scheme

    @property
    def client_host(self) -> str:
        """The address of the client; empty where it is not known."""
        return self.client.host if self.client is not None else ""
