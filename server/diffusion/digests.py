"""Digests of model files, for the keys of results and of loaded weights. No torch.

A file of many gigabytes is not read whole for that: its header and a page of each of its tensors tell it from every
other. The digest of the whole content is the model library's affair.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from server.diffusion import headers

WHOLE_UP_TO = 64 * 2**20
"""Bytes of a file up to which all of it is read."""
_PAGE = 4096


def digest(paths: tuple[Path, ...]) -> str:
    """Return one hex digest over the names and contents of files and of folders' files."""
    total = hashlib.blake2b(digest_size=16)
    for path in paths:
        found = path.rglob("[!.]*") if path.is_dir() else [path]  # a file manager's hidden files are no content
        files = sorted(file for file in found if file.is_file())
        for file in files:
            stat = file.stat()
            total.update(file.relative_to(path.parent).as_posix().encode())
            total.update(_digest_file(str(file), stat.st_size, stat.st_mtime_ns))
    return total.hexdigest()


def digest_texts(*texts: str) -> str:
    """Return one hex digest over texts, in order."""
    total = hashlib.blake2b(digest_size=16)
    for text in texts:
        encoded = text.encode()
        total.update(len(encoded).to_bytes(8, "little") + encoded)
    return total.hexdigest()


@lru_cache(maxsize=4096)
def _digest_file(path: str, size: int, mtime_ns: int) -> bytes:
    del mtime_ns  # there for the cache's sake: a file that changed on disk is hashed anew
    file = Path(path)
    if size > WHOLE_UP_TO and file.suffix.lower() in (headers.SAFETENSORS, headers.GGUF):
        return _digest_samples(file, size)
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).digest()


def _digest_samples(file: Path, size: int) -> bytes:
    """Return a digest over a file's size, its header and the middle page of each tensor.

    Training, merging or quantising changes a tensor everywhere, so that a page of each is enough to notice.
    """
    total = hashlib.blake2b(size.to_bytes(8, "little"), digest_size=16)
    entries = [entry for entry in headers.read(file).tensors.values() if entry.file == str(file.resolve())]
    with file.open("rb") as stream:
        total.update(stream.read(min(entry.start for entry in entries)))
        for entry in sorted(entries, key=lambda entry: entry.start):
            stream.seek(entry.start + max(0, entry.nbytes - _PAGE) // 2)
            total.update(stream.read(min(_PAGE, entry.nbytes)))
    return total.digest()
