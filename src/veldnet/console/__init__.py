"""Serves the built console: one page, its scripts and styles. The source is the folder `console/` at the root
of the repository; the package's build makes `static/` of it."""

from .branding import BadBranding, Branding, check_colour, kind_of_logo, read_branding
from .pages import Pages, build, content_security_policy

__all__ = [
    "BadBranding",
    "Branding",
    "Pages",
    "build",
    "check_colour",
    "content_security_policy",
    "kind_of_logo",
    "read_branding",
]
