"""What turnctl says when it cannot do what it was asked: one line with the next step, exit code 1."""

import re

from conftest import one_line
from local_mode import CLUSTER, run


def test_valid_file_is_counted(tmp_path):
    file = tmp_path / "cluster.yaml"
    file.write_text(CLUSTER)
    result = run("validate", "-f", file)
    assert (result.returncode, result.stdout) == (0, f"{file}: TurnCluster demo is valid: 3 relays in 2 regions\n")


def test_mistakes_in_the_file_are_pointed_at(tmp_path):
    file = tmp_path / "cluster.yaml"
    file.write_text(CLUSTER.replace("name: us,", "name: us, backups: [eurpe],"))
    for command in ("validate", "up"):
        line = one_line(run(command, "-f", file, home=tmp_path))
        assert line.startswith(f"{file}:11:") and "eurpe" in line, line


def test_missing_file(tmp_path):
    assert one_line(run("validate", "-f", tmp_path / "none.yaml")).startswith(f"{tmp_path}/none.yaml: ")


def test_missing_coturn(tmp_path):
    file = tmp_path / "cluster.yaml"
    file.write_text(CLUSTER)
    line = one_line(run("up", "-f", file, "--listen", "127.0.0.1:0", "--turnserver", "/nonexistent/turnserver",
                        home=tmp_path))
    assert "/nonexistent/turnserver" in line and "install" in line


def test_address_of_another_machine(tmp_path):
    file = tmp_path / "cluster.yaml"
    file.write_text(CLUSTER)
    line = one_line(run("up", "-f", file, "--listen", "127.0.0.1:0", "--address", "203.0.113.1", home=tmp_path))
    assert line.startswith("relay eu-0 cannot listen on 203.0.113.1:3478") and "--address" in line


def test_nothing_runs(tmp_path):
    for command in (["relay", "list"], ["relay", "stop", "eu-0"], ["drill"], ["relay", "list", "--state-dir", tmp_path]):
        line = one_line(run(*command, home=tmp_path))
        assert line.startswith("no `turnctl up` is running") and line.endswith("start one: turnctl up -f cluster.yaml")


def test_no_monitor():
    line = one_line(run("ice", "--url", "http://127.0.0.1:9"))
    assert line.startswith("cannot talk to http://127.0.0.1:9: Connection refused") and "--url" in line


def test_wrong_command_lines_point_to_the_help():
    for words in ([], ["sing"], ["up"], ["relay"], ["relay", "stop"], ["probe"], ["ice", "--no-such-option"],
                  ["probe", "turn:127.0.0.1", "--user", "u", "--password-file"]):
        result = run(*words)
        assert result.returncode == 2 and re.search("; see `turnctl.* --help`\n$", result.stderr), (words, result)


def test_a_command_that_lacks_its_relay_says_so():
    for action in ("stop", "drain", "start"):
        result = run("relay", action)
        assert result.returncode == 2
        assert result.stderr == ("turnctl: NAME is missing: no `turnctl up` is running; start one: turnctl up -f cluster.yaml; "
                                 f"see `turnctl relay {action} --help`\n")


def test_probe_needs_credentials_and_a_turn_server(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("s")
    nothing = run("probe", "turn:127.0.0.1")
    assert nothing.returncode == 2 and "--secret-file" in nothing.stderr
    stun = run("probe", "stun:127.0.0.1", "--secret-file", secret)
    assert stun.returncode == 2 and "turn:HOST:PORT" in stun.stderr
    assert "no-such-file" in one_line(run("probe", "turn:127.0.0.1", "--secret-file", tmp_path / "no-such-file"))


def test_help_names_every_command_and_version_is_said():
    help_text = run("--help").stdout
    for command in ("up", "relay", "ice", "probe", "drill", "validate"):
        assert f"\n  {command} " in help_text
        assert run(command, "--help").returncode == 0
    assert run("--version").stdout.startswith("turnctl ")
