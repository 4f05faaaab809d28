"""HTTP: KPN's API and ThingPark's paths, downlink submission, Veldnet's own API, tokens and errors."""

from .application import Application, create_application

__all__ = [
    "Application",
    "create_application",
    "front",
    "letters",
]
