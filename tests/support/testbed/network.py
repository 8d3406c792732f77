"""Network namespaces with an address each, joined by an emulated wide-area network whose every port can be made slow, lossy,
a black hole, or cut (wan.cpp). This machine itself has the first address: it is "the client outside"."""

import subprocess

from . import programs
from .cache import locked
from .failure import Failure, require_program, require_root
from .instance import BASE
from .program import Program


def ip(*arguments):
    result = subprocess.run(["ip", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode != 0:
        raise Failure(f"ip {' '.join(map(str, arguments))}: {result.stdout.strip()}")


class Network:
    """The wide-area network of an instance: 10.77.<n>.0/24 and fd77:<n>::/64."""

    def __init__(self, instance):
        require_root()
        require_program("ip", "iproute2")
        self._instance = instance
        self._wan = Program(instance, "wan", [programs.wan()], pipes=True)
        self.sites = {}
        self.host_address = f"10.77.{instance.number}.1"
        self._say(f"port host {instance.name}")
        self._address([], instance.name, 1)

    def add_site(self, name):
        """A namespace with an address of its own; `name` is also the port's name in commands."""
        site = Site(name, f"{self._instance.name}-{name}", self._instance.number, 11 + len(self.sites))
        with locked(BASE / "turnkeeper-netns.lock"):  # the first `ip netns add` of a machine prepares /run/netns
            ip("netns", "add", site.namespace)
        port = f"{self._instance.name}p{len(self.sites)}"
        self._say(f"port {name} {port}")
        ip("link", "set", port, "netns", site.namespace, "name", "eth0")
        ip("-n", site.namespace, "link", "set", "lo", "up")
        self._address(["-n", site.namespace], "eth0", site.host_part)
        self.sites[name] = site
        return site

    def _address(self, where, device, host_part):
        number = self._instance.number
        ip(*where, "address", "add", f"10.77.{number}.{host_part}/24", "dev", device)
        ip(*where, "-6", "address", "add", f"fd77:{number}::{host_part}/64", "dev", device, "nodad")
        ip(*where, "link", "set", device, "up")

    def shape(self, name):
        site = self.sites[name]
        self._say(f"set {name} {round(site.delay_ms * 1000)} {round(site.loss_percent * 10000)} {int(site.blackhole)}"
                  f" {int(site.link)}")

    def command(self, request):
        """One command of the line protocol; the region is the site's name. Values stay until they are changed again.

        {"cmd": "netem", "region": "eu", "delay_ms": 20, "loss_percent": 5}: in each direction, so a round trip takes 40 ms
        {"cmd": "blackhole", "region": "eu", "on": true}: all packets to and from it vanish silently
        {"cmd": "link", "region": "eu", "up": false}: its cable is out
        """
        site = self.sites.get(request["region"])
        if site is None:
            raise Failure(f"no region {request['region']}", f"there are: {', '.join(self.sites)}")
        if request["cmd"] == "netem":
            site.delay_ms = request.get("delay_ms", 0)
            site.loss_percent = request.get("loss_percent", 0)
        elif request["cmd"] == "blackhole":
            site.blackhole = request["on"]
        else:
            site.link = request["up"]
        self.shape(site.name)
        return {}

    def _say(self, line):
        pipe = self._wan.process
        pipe.stdin.write(f"{line}\n".encode())
        pipe.stdin.flush()
        answer = pipe.stdout.readline().decode().strip()
        if answer != "ok":
            raise Failure(f"wan: {line}: {answer or self._wan.log_tail()}")


NETWORK_COMMANDS = ("netem", "blackhole", "link")


class Site:
    def __init__(self, name, namespace, number, host_part):
        self.name = name
        self.namespace = namespace
        self.host_part = host_part
        self.address = f"10.77.{number}.{host_part}"
        self.address6 = f"fd77:{number}::{host_part}"
        # A command that is put before another to run it inside.
        self.enter = ["nsenter", f"--net=/run/netns/{namespace}", "--"]
        self.delay_ms = 0
        self.loss_percent = 0
        self.blackhole = False
        self.link = True

    def describe(self):
        return {"name": self.name, "address": self.address, "address6": self.address6, "netns": self.namespace,
                "enter": self.enter}
