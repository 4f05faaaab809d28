"""What pages of other origins may do: use the API with a token, and nothing with cookies."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.api.hosting import HostedServer

_ORIGIN = {"origin": "https://maps.example"}


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    server = HostedServer(tmp_path_factory.mktemp("origins") / "data")
    yield server.connect()
    server.stop()


def test_a_page_may_ask_with_a_token(http: httpx.Client) -> None:
    asked = _ORIGIN | {
        "access-control-request-method": "PUT",
        "access-control-request-headers": "authorization, Content-Type,x-request-id",
    }
    answer = http.options("/data/lora/thingpark/devices/1", headers=asked)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "*")
    assert "PUT" in answer.headers["access-control-allow-methods"].split(", ")
    assert {"authorization", "content-type", "api-version"} <= set(
        answer.headers["access-control-allow-headers"].split(", ")
    )
    # No browser shows a page what came with the credentials of its user.
    assert "access-control-allow-credentials" not in answer.headers


def test_headers_of_the_console_are_not_for_other_pages(http: httpx.Client) -> None:
    for name in ("x-csrf-token", "x-subscriber"):
        asked = _ORIGIN | {
            "access-control-request-method": "GET",
            "access-control-request-headers": f"authorization, {name}",
        }
        answer = http.options("/api/v1/devices", headers=asked)
        assert answer.status_code == 400 and name not in answer.headers["access-control-allow-headers"]


@pytest.mark.parametrize(("path", "status"), [("/healthz", 200), ("/api/v1/devices", 401), ("/no", 404)])
def test_every_answer_may_be_read_also_an_error(http: httpx.Client, path: str, status: int) -> None:
    answer = http.get(path, headers=_ORIGIN)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, "*")
    assert "x-request-id" in answer.headers["access-control-expose-headers"].split(", ")
    assert "access-control-allow-origin" not in http.get(path).headers


def test_paths_are_forgiving_and_hosts_are_not(http: httpx.Client) -> None:
    assert http.get("//healthz/").status_code == 200
    assert http.get("/healthz", headers={"host": "a b"}).status_code == 400


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/docs/ui/swagger-ui.css", 200),
        ("/docs/ui/none.css", 404),
        ("/docs/ui/", 404),
        ("/docs/ui/../__init__.py", 404),
        ("/docs/ui/%2e%2e/%2e%2e/__init__.py", 404),
    ],
)
def test_files_of_the_api_page_are_those_of_its_folder(http: httpx.Client, path: str, status: int) -> None:
    assert http.get(path).status_code == status


def test_files_are_only_read(http: httpx.Client) -> None:
    for path in ("/console/", "/docs/ui/swagger-ui.css"):
        refused = http.post(path)
        assert (refused.status_code, refused.headers["allow"]) == (405, "GET, OPTIONS")
        assert http.options(path).headers["allow"] == "GET, OPTIONS"
