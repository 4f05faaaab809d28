"""ETag and If-Match."""

from __future__ import annotations

import pytest

from tests.asgi_requests import made_request
from veldnet.api.conditional import check_match, etag_of
from veldnet.domain.errors import Changed
from veldnet.domain.resources import Device


def test_a_tag_changes_with_what_people_set_and_not_with_what_is_observed() -> None:
    first = etag_of(Device(name="a"))
    assert etag_of(Device(name="a", networkAddress="01000000")) == first
    assert etag_of(Device(name="b")) != first


def _refused(wanted: str | None) -> bool:
    """Whether a change is that names the state it is meant for as `wanted`."""
    device = Device(name="a")
    headers = {} if wanted is None else {"if-match": wanted.format(tag=etag_of(device))}
    try:
        check_match(made_request("PUT", "/", headers=headers), device, "device 1")
    except Changed:
        return True
    return False


@pytest.mark.parametrize("wanted", [None, "*", "{tag}", '"other", {tag}'])
def test_changes_of_the_current_state_pass(wanted: str | None) -> None:
    assert not _refused(wanted)


@pytest.mark.parametrize("wanted", ['"other"', "", "{tag}x"])
def test_changes_of_another_state_are_refused(wanted: str) -> None:
    assert _refused(wanted)
