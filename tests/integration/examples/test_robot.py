"""Two real aiortc ends in a call over real coturns: the relay that carries it is killed."""

import pytest

from programs import EXAMPLES, Program
from running import wait_for

# By itself aiortc needs half a minute.
MUCH_SOONER_THAN_BY_ITSELF = 3000
KILLS = 2


@pytest.mark.parametrize("signalling", ["python"], indirect=True)
def test_a_robots_call_goes_on_when_its_relay_dies(signalling, monitor, relays, folder, capsys):
    def end(user, *arguments):
        return Program(folder / f"{user}.log", "/usr/bin/python3", EXAMPLES / "robot/robot.py", "--signalling", signalling,
                       "--session", "call-43", "--region", "eu", "--user", user, *arguments)

    # One asks the monitor itself, the other has its list from the signalling server.
    ends = [end("robot", "--monitor", f"http://{monitor.address}", "--token-file", folder / "key"), end("app", "--answer")]
    try:
        for program in ends:
            program.wait_for("hears the other end")
        for kill in range(KILLS):
            used = {program.wait_for(r"moved to (\S+),", kill + 1) for program in ends}
            assert len(used) == 1, "both ends of a session have the same first relay"
            dead = used.pop()
            relays[dead].kill()
            for program in ends:
                moved, gap = program.wait_for(r"moved to (\S+), silent for (\d+) ms", kill + 2)
                assert moved != dead
                with capsys.disabled():
                    print(f"\nrelay killed: silent for {gap} ms", end=" ")
                assert int(gap) < MUCH_SOONER_THAN_BY_ITSELF
            relays[dead].start()
            wait_for("both relays to be Healthy again",
                     lambda: {relay["verdict"] for relay in monitor.relays().values()} == {"Healthy"}, 30)
    finally:
        for program in ends:
            program.end()
