"""How settings say where NATS is, and what is refused of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from veldnet.cluster.bus import BusError
from veldnet.cluster.nats_access import NatsAccess


def access(
    urls: str = "nats://nats.example:4222", cluster: str = "veldnet", node: str = "a", **more: str
) -> NatsAccess:
    return NatsAccess(urls, cluster, node, **more)


@pytest.mark.parametrize(
    ("urls", "words"),
    [
        ("", "names no server"),
        (" , ", "names no server"),
        ("nats.example:4222", "has the scheme 'nats.example'"),
        ("http://nats.example", "has the scheme 'http'"),
        ("nats://", "must end with host and port"),
        ("nats://a:4222/x", "must end with host and port"),
        ("nats://a:99999", "is no address of a NATS server"),
        ("nats://node:s3cret@a:port", "is no address of a NATS server"),
    ],
)
def test_addresses_that_are_none_are_refused(urls: str, words: str) -> None:
    with pytest.raises(BusError, match=r"^cluster\.nats ") as refused:
        access(urls).check()
    assert words in str(refused.value) and "s3cret" not in str(refused.value)


def test_names_that_would_split_a_subject_are_refused() -> None:
    for name in ("", "a.b", "a b", "*", "x" * 65):
        with pytest.raises(BusError, match=r"^cluster\.name "):
            access(cluster=name).check()
        with pytest.raises(BusError, match=r"^cluster\.node "):
            access(node=name).check()


def test_only_public_addresses_without_authentication_are_warned_of(tmp_path: Path) -> None:
    urls = "nats://10.1.2.3,nats://nats.example,nats://8.8.8.8:4333,nats://[2606:4700::1]"
    assert access(urls).open_to_everybody() == ["8.8.8.8:4333", "[2606:4700::1]:4222"]
    assert access("nats://node:s3cret@8.8.8.8").open_to_everybody() == []
    assert access("nats://t0ken@8.8.8.8").open_to_everybody() == []
    assert access("nats://8.8.8.8", credentials=str(tmp_path)).open_to_everybody() == []


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    file = tmp_path / "node.creds"
    with pytest.raises(BusError, match=r"node\.creds: No such file"):
        access(credentials=str(file)).options()
    file.write_text("password")
    with pytest.raises(BusError, match="holds neither NATS credentials nor the seed"):
        access(credentials=str(file)).options()
    file.write_text("-----BEGIN NATS USER JWT-----\n")
    assert access(credentials=str(file)).options() == {"user_credentials": str(file)}
    with pytest.raises(BusError, match="the TLS files"):
        access(ca=str(file)).options()
    with pytest.raises(BusError, match=r"cluster\.key is missing"):
        access(certificate=str(file)).check()
