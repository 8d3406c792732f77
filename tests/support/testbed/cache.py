"""What is downloaded or built once for all tests, outside of the tree."""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import tempfile

from .failure import progress


def cache_dir():
    """TURNKEEPER_CACHE, or ~/.cache/turnkeeper."""
    path = pathlib.Path(os.environ.get("TURNKEEPER_CACHE") or pathlib.Path.home() / ".cache" / "turnkeeper")
    path.mkdir(parents=True, exist_ok=True)
    return path


def digest(*contents):
    """A short name for contents (bytes, text or a file's path), so that a change of them makes a new cache entry."""
    state = hashlib.sha256()
    for content in contents:
        if isinstance(content, pathlib.Path):
            content = content.read_bytes()
        state.update(content if isinstance(content, bytes) else content.encode())
        state.update(b"\0")
    return state.hexdigest()[:12]


@contextlib.contextmanager
def locked(path):
    """Holds an exclusive lock on a file, across processes."""
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def cached(name, build, what):
    """The path of cache entry `name`; `build(directory)` fills it when it is missing.

    An entry appears whole or not at all, and is built by one process while others wait.
    """
    path = cache_dir() / name
    if path.exists():
        return path
    with locked(cache_dir() / f".{name}.lock"):
        if path.exists():
            return path
        progress(f"making {what} (once; kept in {path})")
        work = pathlib.Path(tempfile.mkdtemp(prefix=f".{name}.", dir=cache_dir()))
        try:
            work.chmod(0o755)
            build(work)
            work.rename(path)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        progress(f"{what}: done")
    return path
