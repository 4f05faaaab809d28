"""Tests of `veldnet.diagnosis`."""
