"""Schemathesis against a running server: no server error, no answer outside the description."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.docs_generator import ROOT
from tests.e2e.running import Client

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance"
)

# It looks for garbage as the server does; one worker, since two would only wait for each other.
PROGRAM = """
import gc, sys
gc.set_threshold(50_000, 20, 50)
from schemathesis.cli import schemathesis
sys.exit(schemathesis(prog_name="schemathesis"))
"""

# The edges of what the description allows and forbids (tests/e2e/edges.py); `make fuzz` tries several values
# at each, and makes up requests besides, so many for each operation.
LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
PHASES = "examples,coverage,fuzzing,stateful" if LONG else "examples,coverage,stateful"
EXAMPLES = 200 if LONG else 4
# What it looks up at each request is short; tables of Unicode are made once for all tests.
ENVIRONMENT = {
    **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
    "HYPOTHESIS_STORAGE_DIRECTORY": str(ROOT / ".hypothesis"),
} | ({} if LONG else {"SCHEMATHESIS_HOOKS": "tests.e2e.edges", "PYTHONPATH": str(ROOT)})


def test_the_api_keeps_its_description(client: Client, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-c", PROGRAM),
            *("run", f"{client.server.http}/openapi.json"),
            *("--header", f"Authorization: Bearer {client.token}"),
            # A stream has no end to check; tests of the console read them.
            *("--exclude-path-regex", "/live$"),
            *("--phases", PHASES, "--checks", CHECKS),
            *("--max-examples", str(EXAMPLES), "--seed", "1", "--workers", "1", "--request-timeout", "20"),
            *("--suppress-health-check", "all"),
        ],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=3600 if LONG else 900,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-60000:] + done.stderr[-2000:]
    sent = re.search(r"(\d[\d,]*) generated", done.stdout)
    assert sent is not None and int(sent[1].replace(",", "")) > 3500, "no edge was left out"
    assert client.http.get("/readyz").status_code == 200
