"""The process of a vault, which starts with each server."""

from __future__ import annotations

import subprocess
import sys


def test_a_vault_process_loads_no_more_than_it_needs() -> None:
    program = "import sys, veldnet.assembly.vaults.process; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "structlog" in loaded and not loaded & {"rich", "sqlalchemy", "uvicorn", "alembic", "pkcs11"}
