"""Hardens a process before it holds keys: no core dumps, no access by other processes, no swapping."""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from contextlib import suppress

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
    return problems + _lock_memory(libc)


def _lock_memory(libc: ctypes.CDLL) -> list[str]:
    """Under a limit all that is locked from now on would count against it, and the process would run out of
    memory that is there: then only what it has now is locked."""
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    unlimited = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY
    if libc.mlockall(_MCL_CURRENT | _MCL_FUTURE if unlimited else _MCL_CURRENT) != 0:
        return [f"its memory may be swapped: {_error()}; allow it with LimitMEMLOCK=infinity"]
    return [] if unlimited else ["part of its memory may be swapped; allow it with LimitMEMLOCK=infinity"]


def drop_privileges(user: str) -> None:
    """Go on as another user. Raises `PermissionError`, and `KeyError` for an unknown one."""
    import pwd

    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


def _error() -> str:
    return os.strerror(ctypes.get_errno())
