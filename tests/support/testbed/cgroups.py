"""Cgroups of test nodes, in every hierarchy of this machine: many with cgroup v1 (and an unused v2 one beside them), one with v2."""

import pathlib
import time


def _hierarchies():
    mounts = [line.split() for line in pathlib.Path("/proc/mounts").read_text().splitlines()]
    return [pathlib.Path(mount[1]) for mount in mounts if mount[2] in ("cgroup", "cgroup2")]


def create(name):
    for hierarchy in _hierarchies():
        group = hierarchy / name
        group.mkdir(exist_ok=True)
        for setting in ("cpuset.cpus", "cpuset.mems"):  # v1: a cpuset takes no process until it has both
            if (hierarchy / setting).exists():
                (group / setting).write_text((hierarchy / setting).read_text())
        if (group / "cgroup.subtree_control").exists():
            for controller in (group / "cgroup.controllers").read_text().split():
                (group / "cgroup.subtree_control").write_text(f"+{controller}")


def remove(prefix):
    """Removes the groups whose name starts with prefix, and all below them; their processes have ended by now."""
    for hierarchy in _hierarchies():
        for group in hierarchy.glob(f"{prefix}*"):
            deepest_first = sorted((p for p in group.rglob("*") if p.is_dir()), key=lambda p: -len(p.parts))
            for directory in [*deepest_first, group]:
                _remove_one(directory)


def _remove_one(directory):
    for _ in range(200):  # a killed process leaves its group a moment after it is gone
        try:
            directory.rmdir()
            return
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.01)
