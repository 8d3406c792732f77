"""Small Debian root file systems: layers of images, and relays of a coturn that Debian 12 does not have.

The mirror is whatever this machine's own apt uses.
"""

import functools
import pathlib
import subprocess

from .cache import cached, digest
from .failure import Failure, progress, require_program, require_root

# The coturn versions of the test bed, and the Debian suite that has each.
COTURN_SUITES = {"4.6.1": "bookworm", "4.18.0": "forky"}
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

_SMALL = [f"--dpkgopt=path-exclude=/usr/share/{kind}/*" for kind in ("man", "info", "locale", "doc")] + [
    "--dpkgopt=path-include=/usr/share/doc/*/copyright"]


def _apt_sources(suite):
    """sources.list lines for `suite`, made from the machine's own Debian entries."""
    result = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(ORIGIN) $(LABEL)",
                             "Created-By: Packages"], stdout=subprocess.PIPE, text=True, check=True)
    mirrors = {}
    for line in result.stdout.splitlines():
        uri, release, *origin = line.split()
        if origin and origin[0] == "Debian":
            mirrors[release] = uri
    if "bookworm" not in mirrors:
        raise Failure("apt has no Debian 12 main archive among its sources", "run apt-get update, and try again")
    options = f"[signed-by={KEYRING}]"
    if suite != "bookworm":
        return [f"deb {options} {mirrors['bookworm']} {suite} main"]
    wanted = ("bookworm", "bookworm-updates", "bookworm-security")
    return [f"deb {options} {mirrors[release]} {release} main" for release in wanted if release in mirrors]


def _bootstrap(suite, packages, hooks, directory):
    require_root()
    command = [require_program("mmdebstrap", "mmdebstrap"), "--quiet", "--variant=essential", "--format=tar", *_SMALL,
               '--aptopt=Acquire::Check-Valid-Until "false"', f"--include={','.join(packages)}",
               *(f"--customize-hook={hook}" for hook in hooks), suite, str(directory / "root.tar"), *_apt_sources(suite)]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode != 0:
        raise Failure(f"mmdebstrap {suite}: exit code {result.returncode}\n{result.stdout[-3000:]}",
                      "check that apt-get update works, and try again")


def root_tar(name, suite, packages, hooks=()):
    """A tar of a minimal root file system with `packages`; a shell command in `hooks` gets its path as $1."""
    key = digest(suite, *packages, *hooks)
    return cached(f"root-{name}-{key}", functools.partial(_bootstrap, suite, packages, hooks),
                  f"the {name} root file system; about a minute") / "root.tar"


def coturn_tar(version):
    if version not in COTURN_SUITES:
        raise Failure(f"no coturn {version} here", f"there are: {', '.join(COTURN_SUITES)}")
    # What the upstream image has: a data directory that the unprivileged user may write.
    hook = 'chroot "$1" install -d -o nobody -g nogroup /var/lib/coturn'
    return root_tar(f"coturn-{version}", COTURN_SUITES[version], ["coturn", "ca-certificates"], [hook])


def coturn_root(version):
    """The directory of a root file system with that coturn. Shared by all tests: do not write there."""
    tar = coturn_tar(version)

    def extract(directory):
        subprocess.run(["tar", "--extract", "--file", str(tar), "--directory", str(directory), "--exclude", "./dev/*"],
                       check=True)
        found = subprocess.run(["dpkg-query", f"--admindir={directory}/var/lib/dpkg", "-W", "-f", "${Version}", "coturn"],
                               stdout=subprocess.PIPE, text=True, check=True).stdout
        if not found.startswith(version):  # a rolling suite moves on; the tests need "a new coturn", not this very one
            progress(f"note: Debian {COTURN_SUITES[version]} now has coturn {found}; it stands in for {version}")
    # The name has no digest: tests/support/bin/turnserver-* builds this path itself.
    return cached(f"coturn-{version}", extract, f"the coturn {version} directory")
