"""Topics where a dot separates levels: subjects of NATS, routing keys of AMQP.

They are the topics of MQTT with dots in place of slashes, as the servers themselves translate them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from veldnet.domain.flows import fill, topic_filter

# What would change the levels, or stand for others.
_UNSAFE = re.compile(r"[.*>#\s]")


def dotted(template: str, values: Mapping[str, str]) -> str:
    safe = {name: _UNSAFE.sub("_", value) for name, value in values.items()}
    return fill(template, safe).replace("/", ".")


def pattern(template: str, known: Mapping[str, str]) -> str:
    """What to subscribe to for a template."""
    safe = {name: _UNSAFE.sub("_", value) for name, value in known.items()}
    levels = template if "/" in template else template.replace(".", "/")
    return topic_filter(levels, safe).replace("/", ".").replace("+", "*")


def slashed(topic: str, template: str) -> str:
    """A topic that has come, in the form of its template."""
    return topic.replace(".", "/") if "/" in template else topic
