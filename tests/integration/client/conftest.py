import subprocess

import pytest

from browser import Browser
from call import FLAGS, ROOT, Origin, bring_back
from local_mode import Up, address_of_ones_own


@pytest.fixture(scope="session")
def package():
    """client/, built."""
    built = subprocess.run([ROOT / "client/build.sh"], capture_output=True, text=True, timeout=300)
    assert built.returncode == 0, built.stdout + built.stderr
    return ROOT / "client"


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    up = Up(tmp_path_factory.mktemp("up"), address_of_ones_own()).start().wait_until_healthy()
    yield up
    up.end()


@pytest.fixture
def up(running):
    """Three relays, at least two of them well at the beginning of each test."""
    bring_back(running)
    return running


@pytest.fixture
def origin(up, package):
    origin = Origin(up.url)
    yield origin
    origin.close()


@pytest.fixture(scope="session")
def browser():
    with Browser(*FLAGS) as browser:
        yield browser
