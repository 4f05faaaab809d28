"""Tokens: who gets one, and who holds one."""
