"""The command line of the test bed."""

import argparse
import functools
import pathlib
import sys

from . import images, monitoring, part, product_image, program, programs, regions, roots
from .cluster import Cluster
from .control_plane import ControlPlane
from .failure import Failure, progress


def _control_plane(options, instance):
    plane = ControlPlane(instance, instance.loopback, options.controllers)
    plane.wait()
    return plane.describe(), plane.command


def _cluster(options, instance):
    cluster = Cluster(instance, options.nodes, options.images)
    return cluster.describe(), cluster.command


def _regions(options, instance):
    return regions.start(instance, options.regions)


def _monitoring(options, instance):
    return monitoring.start(instance, options.command, options.config), functools.partial(program.command, instance)


def _coturn_root(options):
    print(roots.coturn_root(options.version))


def _images(options):
    for archive in product_image.write_all(options.binaries.resolve(), options.out.resolve()):
        print(archive)


def _prepare(_):
    """All that tests build or download once, ahead of time."""
    programs.kubernetes()
    programs.kubectl_and_helm()
    programs.wan()
    images.pause_archive()
    images.coredns_archive()
    roots.coturn_root("4.18.0")
    for version in roots.COTURN_SUITES:
        images.coturn_archive(version)
    product_image.base()
    progress("everything is in the cache")


def _names(text):
    return [name for name in text.split(",") if name]


def _archives(text):
    # Absolute: nodes read them from another directory.
    paths = [pathlib.Path(name).resolve() for name in _names(text)]
    for path in paths:
        if not path.is_file():
            raise argparse.ArgumentTypeError(f"{path}: no such file; scripts/build-images.sh makes the product's images")
    return [str(path) for path in paths]


def _parser():
    parser = argparse.ArgumentParser(
        prog="testbed", description="Parts of the test bed. A part runs until its standard input closes (or SIGTERM), after "
        "one line of JSON that says it is ready; then it takes commands, one JSON object a line.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="PART")

    def add(name, help_text, function, is_part=True):
        command = commands.add_parser(name, help=help_text, description=help_text)
        command.set_defaults(function=function, is_part=is_part)
        return command

    command = add("control-plane", "etcd and kube-apiserver", _control_plane)
    command.add_argument("--controllers", action="store_true", help="also kube-controller-manager and kube-scheduler")
    command = add("cluster", "a cluster with real nodes, one region each", _cluster)
    command.add_argument("--nodes", type=int, default=2, help="1 to 4 (2)")
    command.add_argument("--images", type=_archives, default=[], help="archives to import into each node, comma-separated")
    command = add("regions", "network namespaces joined by an emulated wide-area network", _regions)
    command.add_argument("--regions", type=_names, required=True, help="names, comma-separated")
    for name in ("prometheus", "alertmanager"):
        command = add(name, f"Debian's {name}", _monitoring)
        command.add_argument("--config", required=True, help="its file; {address} and {directory} are filled in")
    command = add("coturn-root", "print the directory of a root file system with that coturn", _coturn_root, is_part=False)
    command.add_argument("version", choices=sorted(roots.COTURN_SUITES))
    command = add("images", "write the image archives of the product and of coturn", _images, is_part=False)
    command.add_argument("--binaries", type=pathlib.Path, required=True, help="the folder of the four programs")
    command.add_argument("--out", type=pathlib.Path, required=True, help="the folder to write to")
    add("prepare", "build and download ahead of time what tests need (about 10 minutes, once)", _prepare, is_part=False)
    return parser


def main():
    options = _parser().parse_args()
    try:
        if options.is_part:
            part.run(functools.partial(options.function, options))
        else:
            options.function(options)
    except Failure as failure:
        print(f"testbed: {failure}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
