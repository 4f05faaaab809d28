"""Delivery in processes of its own, so that sending uses another processor core than the network.

The server keeps the ledger. What is committed goes to a delivery process over a socket pair (`link`), in
frames of MessagePack (`wire`); the process sends it by its own connections (`worker`) and returns what came
of it, which the server writes down (`remote`). What a process held that died is taken up again from the
ledger.
"""

from .link import Link, LinkError
from .remote import DeliveryProcess, DeliveryProcesses, Ledger, ProcessPlan, Starter
from .wire import Message, Report, message_of
from .worker import serve_deliveries

__all__ = [
    "DeliveryProcess",
    "DeliveryProcesses",
    "Ledger",
    "Link",
    "LinkError",
    "Message",
    "ProcessPlan",
    "Report",
    "Starter",
    "message_of",
    "serve_deliveries",
]
