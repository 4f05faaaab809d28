"""The front of the HTTP server: bounds on what a client may send, hold and cost, before the application sees
it.

HTTP shares its event loop with the radio. Three parts keep clients from holding it up: `protocol` reads
requests in small slices and bounds their headers, their time and their answers; `connections` bounds how
many connections there are, in total and for each address, with a reserve for probes; `pace` bounds the time
that all HTTP work together takes in one turn of the loop."""

from .connections import Connections, Limits
from .methods import HeadAsGet
from .pace import Pace, Paced
from .protocol import FrontProtocol
from .tls import TlsListener

__all__ = [
    "Connections",
    "FrontProtocol",
    "HeadAsGet",
    "Limits",
    "Pace",
    "Paced",
    "TlsListener",
    "server",
]
