"""What a process does before it holds keys: no core dumps, no other process may look, nothing is swapped."""

from __future__ import annotations

import ctypes
import os
import resource
import sys

_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_MCL_CURRENT, _MCL_FUTURE = 1, 2


def harden() -> list[str]:
    """Close what can be closed; returns in words what this system did not allow."""
    problems = []
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "linux":
        return ["memory is not locked and other processes of the same user may look into it: not Linux"]
    libc = ctypes.CDLL(None, use_errno=True)
    # Also keeps processes of the same user from /proc/<pid>/mem and from tracing.
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        problems.append(f"processes of the same user may look into it: {_error()}")
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        problems.append(f"it may gain privileges: {_error()}")
    if libc.mlockall(_MCL_CURRENT | _MCL_FUTURE) != 0:
        problems.append(f"its memory may be swapped: {_error()}; allow it with LimitMEMLOCK=infinity")
    return problems


def drop_privileges(user: str) -> None:
    """Go on as another user. Raises `PermissionError`, and `KeyError` for an unknown one."""
    import pwd

    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def _error() -> str:
    return os.strerror(ctypes.get_errno())
