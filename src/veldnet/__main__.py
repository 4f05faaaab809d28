"""`python -m veldnet` is the command `veldnet`."""

from veldnet.cli.entry import main

main()
