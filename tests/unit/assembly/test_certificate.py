"""The server's certificate: what cannot be used is refused in a sentence; the last good pair stays in use."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import pytest

from tests.certificates import Pair, write_pair
from veldnet.assembly.certificate import CertificateError, ServerCertificate
from veldnet.settings import Duration, SettingsError, TlsSettings, load_settings

DAY = 86_400.0
NOW = 1_800_000_000.0


def loaded(pair: Pair, now: float = NOW) -> ServerCertificate:
    settings = TlsSettings(str(pair.certificate), str(pair.key), warn_before=Duration(14 * DAY))
    return ServerCertificate(settings, lambda: now)


def refusal(pair: Pair) -> str:
    with pytest.raises(CertificateError) as refused:
        loaded(pair)
    return str(refused.value)


def test_the_context_refuses_what_is_older_than_tls_1_2(tmp_path: Path) -> None:
    pair = write_pair(tmp_path, at=NOW)
    certificate = loaded(pair)
    assert certificate.context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert certificate.problem is None and certificate.not_after == NOW + 90 * DAY


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    pair = write_pair(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    assert "does not belong to the certificate" in refusal(Pair(pair.certificate, write_pair(other).key))
    assert "CN=veldnet.example" in refusal(Pair(pair.certificate, other / "privkey.pem"))
    assert refusal(Pair(tmp_path / "no.pem", pair.key)).endswith(
        "no.pem cannot be read: No such file or directory"
    )
    assert "-----BEGIN CERTIFICATE-----" in refusal(Pair(pair.key, pair.key))
    nonsense = tmp_path / "nonsense.pem"
    nonsense.touch(mode=0o600)
    assert "not a private key" in refusal(Pair(pair.certificate, nonsense))


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    pair = write_pair(tmp_path)
    pair.key.chmod(0o644)
    assert "open to every user of this machine (mode 644): chmod o= " in refusal(pair)
    pair.key.chmod(0o640)
    loaded(pair)


def test_an_encrypted_key_is_refused(tmp_path: Path) -> None:
    pair = write_pair(tmp_path)
    locked = tmp_path / "locked.pem"
    subprocess.run(
        ["openssl", "pkey", "-in", pair.key, "-aes256", "-passout", "pass:secret", "-out", locked], check=True
    )
    locked.chmod(0o600)
    assert "is encrypted; write it without a password" in refusal(Pair(pair.certificate, locked))


@pytest.mark.parametrize(
    ("days", "age", "problem"),
    [
        (15.0, 1.0, None),
        (13.5, 1.0, "in 13.5 days"),
        (-1.0, 9.0, "expired on"),
        (90.0, -2.0, "not yet"),
    ],
)
def test_expiry_is_a_problem_in_time(tmp_path: Path, days: float, age: float, problem: str | None) -> None:
    found = loaded(write_pair(tmp_path, days=days, age=age, at=NOW)).problem
    assert found is None if problem is None else problem in str(found)


def test_new_files_are_used_once_they_fit_together(tmp_path: Path) -> None:
    pair = write_pair(tmp_path, days=5, at=NOW)
    certificate = loaded(pair)
    before = pair.certificate.read_bytes()
    certificate.reload()
    assert certificate.reloads == 0 and "in 5.0 days" in str(certificate.problem)
    write_pair(tmp_path, days=80, at=NOW)
    new = pair.certificate.read_bytes()
    pair.certificate.write_bytes(before)
    certificate.reload()
    assert "the new certificate is not used" in str(certificate.problem) and certificate.reloads == 0
    assert certificate.not_after == NOW + 5 * DAY, "the last good pair is in use"
    pair.certificate.write_bytes(new)
    certificate.reload()
    assert (
        certificate.problem is None and certificate.reloads == 1 and certificate.not_after == NOW + 80 * DAY
    )


def test_a_link_that_leads_to_other_files_is_followed(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("first", "second")]
    for days, folder in zip((20, 60), folders, strict=True):
        folder.mkdir()
        write_pair(folder, days=days, at=NOW)
    live = tmp_path / "live"
    live.symlink_to(folders[0])
    certificate = loaded(Pair(live / "fullchain.pem", live / "privkey.pem"))
    (tmp_path / "next").symlink_to(folders[1])
    (tmp_path / "next").replace(live)
    certificate.reload()
    assert certificate.not_after == NOW + 60 * DAY


def test_settings_name_what_is_missing() -> None:
    with pytest.raises(SettingsError, match=r"tls\.key is missing"):
        load_settings({"tls.certificate": "a.pem"}, environment={})
    with pytest.raises(SettingsError, match=r"'proxy\.example' is not an address"):
        load_settings({"api.trusted_proxies": ["proxy.example"]}, environment={})
