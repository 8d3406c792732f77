"""The image of the product, docker.io/turnkeeper/turnkeeper:<version>: all four programs on a small Debian 12. The root's
Dockerfile makes the same with an ordinary container builder; both read scripts/packages.txt and VERSION."""

import pathlib
import shutil
import subprocess
import tempfile

from . import images, roots
from .failure import Failure, progress, require_program

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAMS = ["turnkeeper-operator", "turnkeeper-monitor", "turnkeeper-agent", "turnctl"]
USER = 65532


def packages(group):
    lines = [line.split() for line in (ROOT / "scripts" / "packages.txt").read_text().splitlines()]
    return [words[1] for words in lines if len(words) == 2 and words[0] == group]


def base():
    """The layer below the programs."""
    hooks = [f'echo "turnkeeper:x:{USER}:{USER}::/nonexistent:/usr/sbin/nologin" >>"$1/etc/passwd"',
             f'echo "turnkeeper:x:{USER}:" >>"$1/etc/group"']
    return roots.root_tar("turnkeeper", "bookworm", packages("run"), hooks)


def write_archive(binaries, out):
    """Writes <out>/turnkeeper-<version>.tar with the programs in folder `binaries`; returns its path."""
    missing = [name for name in PROGRAMS if not (binaries / name).is_file()]
    if missing:
        raise Failure(f"{binaries} lacks {', '.join(missing)}",
                      "build them (cmake --preset release && cmake --build --preset release) or name their folder with --binaries")
    version = (ROOT / "VERSION").read_text().strip()
    below = base()
    archive = out / f"turnkeeper-{version}.tar"
    config = {"User": f"{USER}:{USER}", "WorkingDir": "/", "Cmd": ["turnctl", "--help"],
              "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
              "Labels": {"org.opencontainers.image.title": "Turnkeeper", "org.opencontainers.image.version": version}}
    with tempfile.TemporaryDirectory() as work:
        stripped = {}
        for name in PROGRAMS:
            stripped[f"/usr/bin/{name}"] = pathlib.Path(work) / name
            subprocess.run([require_program("strip", "binutils"), "-o", f"{work}/{name}", binaries / name], check=True)
        layer = pathlib.Path(work) / "layer.tar"
        images.write_layer(layer, stripped)
        images.write_image(archive, f"docker.io/turnkeeper/turnkeeper:{version}", [below, layer], config)
    progress(f"{archive}: docker.io/turnkeeper/turnkeeper:{version}")
    return archive


def write_all(binaries, out):
    """The product's archive, and one for each coturn (hard links into the cache where possible)."""
    out.mkdir(parents=True, exist_ok=True)
    written = [write_archive(binaries, out)]
    for version in roots.COTURN_SUITES:
        source, target = images.coturn_archive(version), out / f"coturn-{version}.tar"
        target.unlink(missing_ok=True)
        try:
            target.hardlink_to(source)
        except OSError:  # another file system
            shutil.copy(source, target)
        progress(f"{target}: docker.io/coturn/coturn:{version}")
        written.append(target)
    return written
