"""Container images without a registry or a daemon: archives in the format of `docker save`, which `ctr images import`,
`docker load` and `podman load` read."""

import hashlib
import io
import json
import pathlib
import tarfile

from . import programs
from .cache import cached, digest
from .roots import coturn_tar

PAUSE = "localhost/testbed/pause:1"
COREDNS = "localhost/testbed/coredns:1"


def _member(name, size, mode=0o644):
    entry = tarfile.TarInfo(name)
    entry.size = size
    entry.mode = mode
    return entry


def write_image(archive, reference, layers, config):
    """Writes `archive` (a path): an image named `reference` of `layers` (paths of uncompressed tars, lowest first)."""
    sums = []
    for layer in layers:
        with open(layer, "rb") as file:
            sums.append(hashlib.file_digest(file, "sha256").hexdigest())
    document = json.dumps({
        "architecture": "amd64", "os": "linux", "created": "2025-01-01T00:00:00Z", "config": config,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{s}" for s in sums]},
        "history": [{"created": "2025-01-01T00:00:00Z"} for _ in sums]}).encode()
    config_name = f"{hashlib.sha256(document).hexdigest()}.json"
    manifest = json.dumps([{"Config": config_name, "RepoTags": [reference],
                            "Layers": [f"{s}/layer.tar" for s in sums]}]).encode()
    with tarfile.open(archive, "w") as out:
        for name, content in ((config_name, document), ("manifest.json", manifest)):
            out.addfile(_member(name, len(content)), io.BytesIO(content))
        for layer, name in dict(zip(layers, sums)).items():
            with open(layer, "rb") as file:
                out.addfile(_member(f"{name}/layer.tar", pathlib.Path(layer).stat().st_size), file)


def write_layer(path, files):
    """Writes a layer tar of {path in the image: local file}, all executable and owned by root."""
    with tarfile.open(path, "w") as out:
        for name, source in files.items():
            content = pathlib.Path(source).read_bytes()
            out.addfile(_member(name.lstrip("/"), len(content), 0o755), io.BytesIO(content))


def _single_program(name, reference, program, config):
    def build(directory):
        write_layer(directory / "layer", {f"/{program.name}": program})
        write_image(directory / "image.tar", reference, [directory / "layer"], config)
        (directory / "layer").unlink()
    return cached(f"image-{name}-{digest(str(program), json.dumps(config))}", build, f"the {name} image") / "image.tar"


def pause_archive():
    return _single_program("pause", PAUSE, programs.pause(), {"Entrypoint": ["/pause"]})


def coredns_archive():
    return _single_program("coredns", COREDNS, programs.coredns(), {"Entrypoint": ["/coredns"], "WorkingDir": "/"})


def coturn_archive(version):
    """docker.io/coturn/coturn:<version>, laid out like upstream's as far as a relay notices."""
    config = {"Entrypoint": ["turnserver"], "Cmd": ["--log-file=stdout"], "User": "nobody:nogroup", "WorkingDir": "/",
              "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
              "ExposedPorts": {"3478/tcp": {}, "3478/udp": {}}}

    def build(directory):
        write_image(directory / "image.tar", f"docker.io/coturn/coturn:{version}", [coturn_tar(version)], config)
    key = digest(str(coturn_tar(version)), json.dumps(config))
    return cached(f"image-coturn-{version}-{key}", build, f"the coturn {version} image") / "image.tar"
