import signal

import pytest

from local_mode import Up, address_of_ones_own


def one_line(result):
    """What a failed command said: exactly one line on stderr, exit code 1."""
    assert result.returncode == 1, result
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    return lines[0]


@pytest.fixture
def address():
    return address_of_ones_own()


@pytest.fixture
def up(tmp_path, address):
    running = Up(tmp_path, address)
    yield running
    running.end(signal.SIGKILL)
