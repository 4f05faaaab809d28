"""`python -m veldnet` is the command `veldnet`."""

from veldnet.cli.main import app

app()
