"""Loaded last by the process that programs are forked from. What each server would make of the types of
operations is made once. Nothing that is loaded is looked through for garbage again: that would copy all of
this memory into each of them."""

from __future__ import annotations

import gc

from veldnet.api.routers import routers
from veldnet.api.routes import operations_of

for router in routers():
    for operation in operations_of(router):
        operation.inputs()
gc.collect()
gc.freeze()
