"""The one exception of the test bed that is meant for a person."""

import os
import shutil
import sys
import time


class Failure(Exception):
    """What failed, and what to do next."""

    def __init__(self, message, advice=""):
        super().__init__(message if not advice else f"{message}\n  {advice}")


_started = time.monotonic()


def progress(text):
    print(f"[testbed {time.monotonic() - _started:6.1f}s] {text}", file=sys.stderr, flush=True)


def require_root():
    if os.geteuid() != 0:
        raise Failure("network namespaces, mounts and cgroups need root", "run it as root, or with sudo")


def require_program(name, package):
    """The path of a program of a Debian package (some live in /usr/sbin, which a user's PATH may lack)."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/bin:/bin")
    if not path:
        raise Failure(f"{name} is not installed", f"run scripts/install-packages.sh, or: apt-get install {package}")
    return path
