"""The process in which places are solved: it reads problems from its standard input and writes answers."""

from __future__ import annotations

import struct
import sys
from typing import BinaryIO

import msgspec

from .model import Answer, Problem
from .solver import solve

LENGTH = struct.Struct(">I")
# Octets; a problem of the most base stations is a tenth of it.
LONGEST = 65_536


def serve(source: BinaryIO, target: BinaryIO) -> None:
    """Answer until the other side closes."""
    decoder, encoder = msgspec.msgpack.Decoder(Problem), msgspec.msgpack.Encoder()
    while len(head := source.read(LENGTH.size)) == LENGTH.size:
        size = LENGTH.unpack(head)[0]
        if size > LONGEST or len(body := source.read(size)) < size:
            return
        answer: Answer = solve(decoder.decode(body))
        octets = encoder.encode(answer)
        target.write(LENGTH.pack(len(octets)) + octets)
        target.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
