"""TFRecord files, read without TensorFlow: one record after another, checked.

A record is a little-endian 64-bit length, the masked CRC-32C of those eight bytes, the payload,
and the masked CRC-32C of the payload. (The format's description in TensorFlow's documentation.)
Compressed files are not read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterator
from pathlib import Path
from struct import Struct

import google_crc32c

from harness.errors import UserError

LIMIT = 1 << 16
"""Cap on the bytes of a record: a damaged or crafted length must not fill the memory."""

_HEAD = Struct("<QI")
_FOOT = Struct("<I")
_CHUNK = 1 << 22


class TFRecordFile:
    """The payloads of a TFRecord file, to be iterated over once.

    Args:
        path: The file.
        limit: Refuse records of more bytes.

    Attributes:
        path: The file.
        count: Records yielded so far, which is the number of the last one from 1.
        position: Bytes of the file read so far.
        size: Bytes of the file; 0 before the iteration.
    """

    def __init__(self, path: Path, limit: int = LIMIT) -> None:
        self.path = path
        self.count = 0
        self.position = 0
        self.size = 0
        self._limit = limit
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """Of the bytes read so far: of the file, once all records were read."""
        return self._digest.hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        """The payloads in the order of the file.

        Raises:
            UserError: If the file cannot be read, ends within a record, has a record over the
                limit, or a checksum is wrong. Records before that one have been yielded.
        """
        try:
            with self.path.open("rb") as stream:
                self.size = self.path.stat().st_size
                rest = b""
                while chunk := stream.read(_CHUNK):
                    self._digest.update(chunk)
                    self.position += len(chunk)
                    rest = yield from self._whole(rest + chunk)
        except OSError as error:
            raise UserError(f"cannot read {self.path}: {error.strerror or error}") from None
        if rest:
            raise self._damaged("the file ends within it")

    def _whole(self, data: bytes) -> Generator[bytes, None, bytes]:
        """The payloads of the whole records at the start of some bytes; returns what is left."""
        start = 0
        while start + _HEAD.size <= len(data):
            length, checksum = _HEAD.unpack_from(data, start)
            if _masked_crc(data[start : start + 8]) != checksum:
                raise self._damaged("wrong checksum of its length")
            if length > self._limit:
                raise self._damaged(f"it claims {length:,} bytes, more than {self._limit:,}")
            end = start + _HEAD.size + length
            if end + _FOOT.size > len(data):
                break
            payload = data[start + _HEAD.size : end]
            if _masked_crc(payload) != _FOOT.unpack_from(data, end)[0]:
                raise self._damaged("wrong checksum")
            self.count += 1
            yield payload
            start = end + _FOOT.size
        return data[start:]

    def _damaged(self, reason: str) -> UserError:
        kind = "is no TFRecord file, or damaged" if self.count == 0 else "is damaged"
        return UserError(
            f"{self.path} {kind}: record {self.count + 1:,}: {reason}; download it again"
        )


def _masked_crc(data: bytes) -> int:
    crc: int = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
