"""Network regions without a cluster: a namespace and an address for each, this machine outside of them all."""

from . import program
from .failure import Failure
from .network import NETWORK_COMMANDS, Network


def start(instance, names):
    if len(set(names)) != len(names) or not names or not all(name.isalnum() and len(name) <= 8 for name in names):
        raise Failure(f"bad region names {','.join(names)}", "give letters and digits, at most 8, each name once")
    network = Network(instance)
    regions = [network.add_site(name).describe() for name in names]

    def handle(request):
        if request["cmd"] in NETWORK_COMMANDS:
            return network.command(request)
        return program.command(instance, request)
    return {"host_address": network.host_address, "directory": str(instance.directory), "regions": regions}, handle
