"""The chart as tests see it: helm run on it, and what it renders as Python values."""

import pathlib
import subprocess

import yaml

from testbed.programs import kubectl_and_helm

ROOT = pathlib.Path(__file__).resolve().parents[3]
CHART = ROOT / "helm" / "turnkeeper"


def helm(*arguments):
    """The finished `helm` process, with stdout and stderr as text."""
    return subprocess.run([kubectl_and_helm() / "helm", *map(str, arguments)], capture_output=True, text=True)


def render(*settings, chart=CHART):
    """The objects of `helm template`, as {(kind, name): object}."""
    arguments = [word for setting in settings for word in ("--set", setting)]
    result = helm("template", "tk", chart, "--namespace", "media", *arguments)
    assert result.returncode == 0, result.stderr
    objects = [document for document in yaml.safe_load_all(result.stdout) if document]
    by_name = {(o["kind"], o["metadata"]["name"]): o for o in objects}
    assert len(by_name) == len(objects), "two objects of one name"
    return by_name


def refusal(*settings):
    """What helm says to values that it does not take."""
    arguments = [word for setting in settings for word in ("--set", setting)]
    result = helm("template", "tk", CHART, *arguments)
    assert result.returncode != 0, f"helm took {settings}"
    return result.stderr
