"""What base stations are given to trust follows the files of the server's certificate."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.certificates import write_pair
from veldnet.assembly import certificate_authority
from veldnet.assembly.certificate_authority import TrustAnchor
from veldnet.settings import load_settings


def test_files_that_change_are_judged_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = itertools.count(0, 60)
    monkeypatch.setattr(certificate_authority, "monotonic", lambda: float(next(ticks)))
    pair, other = write_pair(tmp_path), tmp_path / "other"
    other.mkdir()
    trust = tmp_path / "trust.pem"
    trust.write_bytes(pair.certificate.read_bytes())
    environment = {
        "VELDNET_GATEWAYS__BASICS_STATION_CERTIFICATE": str(pair.certificate),
        "VELDNET_GATEWAYS__BASICS_STATION_KEY": str(pair.key),
        "VELDNET_GATEWAYS__BASICS_STATION_TRUST": str(trust),
    }
    anchor = TrustAnchor(load_settings({"data": str(tmp_path)}, environment=environment))
    first = anchor.certificate(None)
    assert first is not None and anchor.problem is None
    # Another authority signs from now on: nobody is sent away with what does not fit.
    pair.certificate.write_bytes(write_pair(other).certificate.read_bytes())
    assert anchor.certificate(None) is None and "has not signed" in (anchor.problem or "")
    trust.write_bytes(pair.certificate.read_bytes())
    assert anchor.certificate(None) not in (None, first) and anchor.problem is None
    trust.unlink()
    assert anchor.certificate(None) is None and "cannot be used" in (anchor.problem or "")
    trust.write_bytes(pair.certificate.read_bytes())
    assert anchor.certificate(None) is not None and anchor.problem is None
