"""scripts/cluster.sh: a developer's cluster by hand."""

import json
import os
import pathlib
import subprocess

import leftovers
import pytest
from testbed.cache import cache_dir

SCRIPT = pathlib.Path(__file__).parents[3] / "scripts" / "cluster.sh"


@pytest.fixture
def script(tmp_path):
    """Runs the script with a state of its own, so that a developer's cluster on this machine is left alone."""
    for entry in cache_dir().iterdir():
        if entry.name != "cluster":
            (tmp_path / entry.name).symlink_to(entry)

    def run(*arguments):
        return subprocess.run([SCRIPT, *arguments], env={**os.environ, "TURNKEEPER_CACHE": str(tmp_path)},
                              stdout=subprocess.PIPE, text=True, timeout=300)
    yield run
    run("down")


def test_up_status_command_and_down(script, tmp_path):
    assert script("status").returncode == 1
    up = script("up", "--nodes", "1")
    assert up.returncode == 0
    assert "export KUBECONFIG=" in up.stdout
    directory = json.loads((tmp_path / "cluster" / "out").read_text().splitlines()[0])["directory"]
    status = script("status")
    assert status.returncode == 0
    assert "coredns" in status.stdout
    assert script("up").stdout.startswith("A cluster is running already")
    assert script("command", '{"cmd": "netem", "region": "eu-west", "delay_ms": 1}').returncode == 0
    assert script("command", '{"cmd": "netem", "region": "mars"}').returncode != 0
    assert script("down").returncode == 0
    assert leftovers.of(directory) == []
    assert script("status").returncode == 1


def test_help_needs_no_cluster(script):
    assert "up [--nodes N]" in script("--help").stdout
    assert script("sideways").returncode == 2
