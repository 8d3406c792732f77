"""One node of a cluster: a network namespace with the node's address, and in it containerd, kubelet and kube-proxy.

The node's processes also have a mount, a process and a host name namespace of their own, whose first process is `pause`: when
that one is killed, the kernel ends everything of the node at once, like a power failure.
"""

import json
import pathlib
import signal
import subprocess

import yaml

from . import cgroups, images, programs
from .failure import Failure, require_program
from .program import Program, wait_until

# What the node writes outside of its own directory goes to an overlay of its own; /proc and /run are its own too. Images are
# kept in memory: unpacking is faster, and on some disks deleting their many files takes half a minute.
_INIT = """
set -e
hostname "$1"
mount --make-rshared /
for folder in var etc opt; do
  mkdir -p "$2/overlay/$folder" "$2/overlay/work-$folder"
  mount -t overlay overlay -o "lowerdir=/$folder,upperdir=$2/overlay/$folder,workdir=$2/overlay/work-$folder" "/$folder"
done
mount -t tmpfs tmpfs /run
mkdir -p /var/log "$2/containerd"
mount -t tmpfs tmpfs "$2/containerd"
exec "$3"
"""


class Node:
    """Construct, boot(), start_containerd(), import_images(), start_kubelet(); after power_off() again from boot()."""

    def __init__(self, instance, site, index, region, control_plane):
        self._instance = instance
        self._plane = control_plane
        self._bin = control_plane.kubernetes
        self.name = site.name
        self.site = site
        self.region = region
        self.pod_network = f"10.{99 + index}.{instance.number}.0/24"
        self.directory = instance.directory / self.name
        self.directory.mkdir()
        self.socket = self.directory / "containerd.sock"
        self._cgroup = f"turnkeeper-{instance.number}-{self.name}"

    def boot(self):
        """The node's namespaces, with its first process in them."""
        init = programs.pause()
        self.machine = Program(self._instance, self.name, [
            *self.site.enter, "unshare", "--pid", "--fork", "--kill-child", "--mount", "--uts", "--mount-proc",
            "sh", "-c", _INIT, "init", self.name, self.directory, init])
        shim = pathlib.Path(f"/proc/{self.machine.process.pid}")

        def booted():
            children = (shim / "task" / shim.name / "children").read_text().split()
            self._first = children[0] if children else None
            return self._first and pathlib.Path(f"/proc/{self._first}/comm").read_text().strip() == init.name
        wait_until(f"{self.name} to boot", booted, 20, [self.machine], interval=0.02)
        self._enter = ["nsenter", f"--target={self._first}", "--pid", "--mount", "--uts", "--net", "--"]
        self.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
        cgroups.create(self._cgroup)

    def power_off(self):
        self.machine.signal(signal.SIGKILL)

        def gone():
            return not any(p.running() for name, p in self._instance.programs.items() if name.startswith(f"{self.name}-"))
        wait_until(f"{self.name} to go dark", gone, 20, interval=0.02)

    def run(self, *command):
        result = subprocess.run([*self._enter, *map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if result.returncode != 0:
            raise Failure(f"{self.name}: {' '.join(map(str, command))}: {result.stdout[-2000:]}")
        return result.stdout

    def _start(self, name, *command):
        return Program(self._instance, f"{self.name}-{name}", [*self._enter, *command])

    def start_containerd(self):
        network = {
            "cniVersion": "0.4.0", "name": "pods", "plugins": [
                {"type": "ptp", "ipMasq": False, "mtu": 1500,
                 "ipam": {"type": "host-local", "dataDir": f"{self.directory}/ipam", "routes": [{"dst": "0.0.0.0/0"}],
                          "ranges": [[{"subnet": self.pod_network}]]}},
                {"type": "portmap", "capabilities": {"portMappings": True}}]}
        cni = self.directory / "cni"
        cni.mkdir(exist_ok=True)
        (cni / "10-pods.conflist").write_text(json.dumps(network))
        config = self.directory / "containerd.toml"
        config.write_text(f"""version = 2
root = "{self.directory}/containerd"
state = "/run/containerd-state"
oom_score = 0
disabled_plugins = ["io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.internal.v1.tracing",
  "io.containerd.tracing.processor.v1.otlp"]
[grpc]
  address = "{self.socket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{self.directory}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{images.PAUSE}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{cni}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
""")
        self._containerd = self._start("containerd", require_program("containerd", "containerd"), "--config", config)

    def import_images(self, archives):
        wait_until(f"containerd of {self.name}", lambda: self.socket.exists() and self._ctr("version"), 30, [self._containerd])
        for archive in archives:
            self.run("ctr", f"--address={self.socket}", "--namespace=k8s.io", "images", "import", archive)

    def _ctr(self, *arguments):
        return subprocess.run([*self._enter, "ctr", f"--address={self.socket}", *arguments], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode == 0

    def manifest(self):
        """The Node object, with what a cloud provider would write: region, pod range, external address."""
        return {
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": self.name, "labels": {
                "kubernetes.io/hostname": self.name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
                "topology.kubernetes.io/region": self.region, "topology.kubernetes.io/zone": f"{self.region}-1"}},
            "spec": {"podCIDR": self.pod_network, "podCIDRs": [self.pod_network], "providerID": f"testbed://{self.name}"},
            "status": {"addresses": [{"type": "InternalIP", "address": self.site.address},
                                     {"type": "ExternalIP", "address": self.site.address},
                                     {"type": "Hostname", "address": self.name}]}}

    def start_kubelet(self):
        plane = self._plane
        pair = plane.authority.issue(f"kubelet-{self.name}", f"system:node:{self.name}", "system:nodes",
                                     addresses=[self.site.address], names=[self.name])
        resolv = self.directory / "resolv.conf"
        resolv.write_text("")  # cluster DNS has no further server: names outside of the cluster do not resolve
        kubeconfig = plane.kubeconfig_for(f"kubelet-{self.name}-client", f"system:node:{self.name}", "system:nodes")
        nothing_to_evict = {"memory.available": "0%", "nodefs.available": "0%", "nodefs.inodesFree": "0%",
                            "imagefs.available": "0%"}
        config = {
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
            "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True},
                               "x509": {"clientCAFile": plane.authority.path("ca.crt")}},
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": pair[0], "tlsPrivateKeyFile": pair[1],
            "address": self.site.address, "healthzBindAddress": "127.0.0.1",
            "clusterDNS": [plane.dns_address], "clusterDomain": "cluster.local", "resolvConf": str(resolv),
            "cgroupDriver": "cgroupfs", "cgroupRoot": f"/{self._cgroup}", "failCgroupV1": False,
            "enforceNodeAllocatable": [], "failSwapOn": False, "makeIPTablesUtilChains": False,
            "containerRuntimeEndpoint": f"unix://{self.socket}", "volumePluginDir": f"{self.directory}/volume-plugins",
            "evictionHard": nothing_to_evict, "imageGCHighThresholdPercent": 100, "imageGCLowThresholdPercent": 99,
            "nodeLeaseDurationSeconds": 20, "syncFrequency": "10s", "shutdownGracePeriod": "0s"}
        path = self.directory / "kubelet.yaml"
        path.write_text(yaml.safe_dump(config))
        # cloud-provider=external: the kubelet leaves the addresses of manifest() alone.
        self._start("kubelet", self._bin / "kubelet", f"--config={path}", f"--kubeconfig={kubeconfig}",
                    f"--root-dir={self.directory}/kubelet", f"--hostname-override={self.name}",
                    f"--node-ip={self.site.address}", "--cloud-provider=external")
        self._start_proxy()

    def _start_proxy(self):
        kubeconfig = self._plane.kubeconfig_for(f"kube-proxy-{self.name}", "system:kube-proxy")
        config = {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration", "mode": "nftables",
            "clientConnection": {"kubeconfig": kubeconfig}, "hostnameOverride": self.name, "clusterCIDR": "10.96.0.0/11",
            "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s",
                          "udpTimeout": "0s", "udpStreamTimeout": "0s"}}
        path = self.directory / "kube-proxy.yaml"
        path.write_text(yaml.safe_dump(config))
        self._start("kube-proxy", self._bin / "kube-proxy", f"--config={path}")

    def describe(self):
        return {**self.site.describe(), "region": self.region, "pod_network": self.pod_network,
                "containerd": str(self.socket), "pid": int(self._first)}
