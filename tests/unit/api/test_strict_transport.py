"""The header Strict-Transport-Security, which is the operator's to choose."""

from __future__ import annotations

from typing import Any

import pytest

from veldnet.api.application import headers_of_answers
from veldnet.settings import SettingsError, load_settings


@pytest.mark.parametrize(
    ("chosen", "sent"),
    [
        ({}, [b"max-age=31536000"]),
        ({"api.strict_transport_security": ""}, []),
        (
            {"api.strict_transport_security": "max-age=63072000; includeSubDomains; preload"},
            [b"max-age=63072000; includeSubDomains; preload"],
        ),
    ],
)
def test_by_default_it_binds_no_other_host(chosen: dict[str, str], sent: list[bytes]) -> None:
    settings = load_settings(chosen, environment={}, file=None)
    headers: list[tuple[bytes, bytes]] = []
    scope: Any = {"type": "http", "path": "/", "headers": [], "state": {}}
    headers_of_answers(settings.api)(headers, scope)
    assert [value for name, value in headers if name == b"strict-transport-security"] == sent
    assert (b"x-content-type-options", b"nosniff") in headers


@pytest.mark.parametrize("wrong", ["max-age", "max-age=1\r\nx: y", "max-age=1; all", "3600"])
def test_another_header_cannot_be_slipped_in(wrong: str) -> None:
    with pytest.raises(SettingsError, match=r"api\.strict_transport_security"):
        load_settings({"api.strict_transport_security": wrong}, environment={}, file=None)
