"""What an instance of the test bed may have left on this machine: nothing."""

import pathlib
import subprocess


def of(directory):
    """Everything that still belongs to the instance of that directory, /tmp/turnkeeper-<n>."""
    number = directory.rpartition("-")[2]
    found = [directory] if pathlib.Path(directory).exists() else []
    found += [f"mount: {line}" for line in pathlib.Path("/proc/mounts").read_text().splitlines()
              if f"{directory}/" in line or f"/tk{number}-" in line]
    found += [f"namespace: {path}" for path in pathlib.Path("/run/netns").glob(f"tk{number}-*")]
    found += [f"cgroup: {path}" for path in pathlib.Path("/sys/fs/cgroup").glob(f"**/turnkeeper-{number}-*")]
    links = subprocess.run(["ip", "-brief", "link"], capture_output=True, text=True, check=True).stdout.splitlines()
    found += [f"interface: {line}" for line in links if line.split()[0] == f"tk{number}"]
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            ours = f"{directory}/" in command or f"/turnkeeper-{number}-" in (process / "cgroup").read_text()
        except OSError:
            continue
        if ours:
            found.append(f"process {process.name}: {command}")
    return found
