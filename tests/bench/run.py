#!/usr/bin/env python3
"""Runs the benchmarks beside their comparators and prints one table with the ratios; scripts/bench.sh builds first.

Everything happens on loopback. Rows that say "light relay" run against light_relay, which answers for a thousand relays
with one socket, so that the relay's side leaves the cores to what is measured; the others run against a real coturn.
CPU times are those of the measured process alone, user and system."""

import argparse
import base64
import contextlib
import hashlib
import hmac
import json
import os
import pathlib
import random
import re
import resource
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

import operators  # noqa: E402
from testbed.certificates import Authority  # noqa: E402
from testbed.programs import bench_peers  # noqa: E402

SECRET = "bench-secret"
API_KEY = "bench-key"
# What STUNner's auth service answers in a second on such a core.
STUNNER = {"as it comes": 24_000, "nothing logged": 28_000}
TICKS = os.sysconf("SC_CLK_TCK")


class Row:
    def __init__(self, what, ours, target, reached, beside=""):
        self.what, self.ours, self.target, self.reached, self.beside = what, ours, target, reached, beside

    def cells(self):
        verdict = "" if self.reached is None else "yes" if self.reached else "NO"
        return [self.what, self.ours, self.beside, self.target, verdict]


def print_table(rows):
    cells = [["what", "here", "beside it", "to reach", "reached"]] + [row.cells() for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(5)]
    for number, line in enumerate(cells):
        print("| " + " | ".join(text.ljust(width) for text, width in zip(line, widths)) + " |")
        if number == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")


@contextlib.contextmanager
def running(command, **options):
    process = subprocess.Popen([str(part) for part in command], **options)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
        process.wait()


def on_core(core, command):
    return command if core is None else ["taskset", "-c", str(core), *command]


def cpu_of(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mib(pid):
    status = open(f"/proc/{pid}/status").read()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def run_json(command):
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def per(report, scale=1e6):
    return report["cpu_seconds"] / max(1, report["done"]) * scale


def credential():
    username = f"{int(time.time()) + 3600}:turnkeeper"
    digest = hmac.new(SECRET.encode(), username.encode(), hashlib.sha1).digest()
    return username, base64.b64encode(digest).decode()


def wait_for(what, condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            sys.exit(f"bench: {what}: not within {seconds} s")
        time.sleep(0.02)
    return found


class Bench:
    def __init__(self, binaries, quick):
        self.programs, self.binaries, self.quick = binaries / "bench", binaries / "bin", quick
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="turnkeeper-bench-"))
        self.port = 20000 + os.getpid() % 10000

    def light_relay(self, port=None, core=None):
        return running(on_core(core, [self.programs / "light_relay", port or self.port, SECRET]),
                       stdout=subprocess.DEVNULL)

    @contextlib.contextmanager
    def coturn(self, *arguments, port=None, relay_ports=(52000, 60999)):
        port = port or self.port
        number = f"{port}-{random.randrange(10**6)}"
        command = ["turnserver", "-n", "--no-cli", "--allow-loopback-peers", "--listening-ip=127.0.0.1",
                   "--relay-ip=127.0.0.1", f"--listening-port={port}", f"--min-port={relay_ports[0]}",
                   f"--max-port={relay_ports[1]}", "--realm=bench", "--use-auth-secret",
                   f"--static-auth-secret={SECRET}", "--log-file=stdout", f"--pidfile={self.folder}/{number}.pid",
                   f"--userdb={self.folder}/{number}.db", *arguments]
        with running(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            wait_for("coturn listens", lambda: f":{port:04X} " in open("/proc/net/udp").read())
            yield process

    def pion(self, mode, **options):
        username, password = credential()
        command = [bench_peers(), mode, "--username", username, "--password", password]
        for name, value in options.items():
            command += ["--" + name.replace("_", "-"), value]
        return run_json(command)

    def probes(self, **options):
        command = [self.programs / "probes", "--secret", SECRET]
        for name, value in options.items():
            command += ["--" + name.replace("_", "-")] + ([] if value is True else [value])
        report = run_json(command)
        if report["failed"] > report["done"] // 100:
            sys.exit(f"bench: {report['failed']} of {report['done']} probes failed")
        return report

    # --- rows -------------------------------------------------------------------------------------------------------

    def probe(self):
        """Several rounds, each program once in each: what disturbs the machine disturbs all of them."""
        count = 5000 if self.quick else 30000
        relay = f"127.1.0.1:{self.port}"
        bare, ours, pion = [], [], []
        with self.light_relay():
            for _ in range(1 if self.quick else 5):
                time.sleep(0.5)
                bare.append(per(run_json([self.programs / "bare_loop", relay, SECRET, 50, count])))
                ours.append(per(self.probes(relay=relay, in_flight=50, count=count)))
                pion.append(per(self.pion("probe", relay=relay, in_flight=50, count=count // 3)))
        bare, ours, pion = (statistics.median(values) for values in (bare, ours, pion))
        yield Row("full UDP probe, 50 in flight: CPU, light relay", f"{ours:.1f} us", "<= 1/3 of pion",
                  ours <= pion / 3, f"pion {pion:.1f} us ({ours / pion:.2f})")
        yield Row("the same", f"{ours:.1f} us", "<= 1.5 x bare loop", ours <= 1.5 * bare,
                  f"bare loop {bare:.1f} us ({ours / bare:.2f})")
        count = 500 if self.quick else 3000
        bare, ours, pion = [], [], []
        with self.coturn("--no-tls", "--no-dtls"):
            relay = f"127.0.0.1:{self.port}"
            for _ in range(1 if self.quick else 5):
                for reports, run in [
                        (bare, lambda: run_json([self.programs / "bare_loop", relay, SECRET, 50, count, "live"])),
                        (ours, lambda: self.probes(relay=relay, in_flight=50, count=count)),
                        (pion, lambda: self.pion("probe", relay=relay, in_flight=50, count=count))]:
                    reports.append(per(run()))
                    time.sleep(1.5)  # the relay still knows the ports of the last run
            one = per(self.probes(relay=relay, in_flight=1, count=count // 3))
        bare, ours, pion = (statistics.median(values) for values in (bare, ours, pion))
        yield Row("full UDP probe, 50 in flight: CPU, coturn 4.6.1", f"{ours:.1f} us", "<= 1/3 of pion",
                  ours <= pion / 3, f"pion {pion:.1f} us ({ours / pion:.2f})")
        yield Row("the same", f"{ours:.1f} us", "<= 1.5 x bare loop", ours <= 1.5 * bare,
                  f"bare loop {bare:.1f} us ({ours / bare:.2f})")
        yield Row("full UDP probe, one at a time: CPU, coturn 4.6.1", f"{one:.1f} us", "", None)

    def canary(self):
        seconds = 3 if self.quick else 15
        relay = f"127.1.0.1:{self.port}"
        with self.light_relay():
            ours = run_json([self.programs / "canaries", "--relay", relay, "--secret", SECRET, "--seconds", seconds])
            pion = self.pion("canary", relay=relay, relays=1000, seconds=seconds)
        share = per(ours) / per(pion)
        yield Row("1,000 canaries at 100 ms: CPU, light relay",
                  f"{ours['cpu_seconds'] / ours['elapsed_seconds']:.1%}, {per(ours):.1f} us an echo", "<= 1/3 of pion",
                  share <= 1 / 3,
                  f"pion {pion['cpu_seconds'] / pion['elapsed_seconds']:.1%}, {per(pion):.1f} us ({share:.2f})")
        yield Row("their memory (RSS)", f"{ours['rss_kib'] / 1024:.1f} MiB", "< 32 MiB", ours["rss_kib"] < 32 * 1024,
                  f"pion {pion['rss_kib'] / 1024:.1f} MiB")
        yield Row("their timer error", f"p50 {ours['error_p50_ms']:.2f} ms, p99 {ours['error_p99_ms']:.2f} ms",
                  "p99 < 5 ms", ours["error_p99_ms"] < 5, f"{ours['failed']} of {ours['done']} echoes lost")

    def monitor(self, servers, *arguments, log, core=None, one_region=False):
        (self.folder / "relay.secret").write_text(SECRET)
        config = self.folder / "monitor.yaml"
        regions = 1 if one_region else 10
        lines = [f"- {{name: relay-{number}, region: region-{number % regions}, secretFile: relay.secret, "
                 f"url: \"{url}\"}}"
                 for number, url in enumerate(servers)]
        config.write_text("vantage: bench\ncluster: bench\nservers:\n" + "\n".join(lines) + "\n")
        command = [self.binaries / "turnkeeper-monitor", "--config", config, "--listen", f"127.0.0.1:{self.port + 1}",
                   "--log-format", "json", *arguments]
        return running(on_core(core, command), stderr=log, stdout=subprocess.DEVNULL)

    def scrape(self):
        started = time.monotonic()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port + 1}/metrics", timeout=10) as answer:
            size = len(answer.read())
        return time.monotonic() - started, size

    def get(self, path, scheme="http"):
        trusting = ssl._create_unverified_context() if scheme == "https" else None
        try:
            url = f"{scheme}://127.0.0.1:{self.port + 1}{path}"
            with urllib.request.urlopen(url, timeout=5, context=trusting) as answer:
                return answer.status, answer.read()
        except OSError:
            return 0, b""

    def fleet(self):
        """The whole program, as it is shipped."""
        seconds = 15 if self.quick else 60
        servers = [f"turn:127.1.{n // 250}.{n % 250 + 1}:{self.port}?transport=udp" for n in range(1000)]
        with self.light_relay(), open(self.folder / "fleet.log", "w") as log, \
                self.monitor(servers, "--log-level", "warn", log=log) as monitor:
            wait_for("every relay has a verdict", lambda: self.get("/readyz")[0] == 200)
            time.sleep(12)  # a full round of probes

            before, started, scrapes = cpu_of(monitor.pid), time.monotonic(), []
            while time.monotonic() - started < seconds:
                scrapes.append(self.scrape())
                time.sleep(15 if not self.quick else 5)
            share = (cpu_of(monitor.pid) - before) / (time.monotonic() - started)
            resident = resident_mib(monitor.pid)
            text = self.get("/metrics")[1].decode()
        healthy = sum(1 for line in text.splitlines()
                      if line.startswith("turnkeeper_relay_verdict{") and 'verdict="Healthy"' in line
                      and line.endswith(" 1"))
        worst = max(time for time, _ in scrapes)
        note = f"{healthy} of 1000 Healthy, {len(text) / 1e6:.1f} MB of metrics"
        yield Row("1,000 relays, canary + full probe each 10 s + scrape each 15 s: CPU, light relay",
                  f"{share:.1%} of a core", "< 15 %", share < 0.15, note)
        yield Row("its memory (RSS)", f"{resident:.1f} MiB", "< 48 MiB", resident < 48)
        yield Row("one scrape of 1,000 relays", f"{worst * 1e3:.0f} ms", "< 50 ms", worst < 0.05)

    # Servers have one core and whoever asks the other.
    def wrk(self, process, url, seconds):
        command = ["taskset", "-c", "1", "wrk", "-t1", "-c64", f"-d{seconds}s", "--latency", "-H",
                   f"Authorization: Bearer {API_KEY}", url]
        before = cpu_of(process.pid)
        text = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        busy = cpu_of(process.pid) - before
        if "Non-2xx" in text:
            sys.exit(f"bench: {url} was refused:\n{text}")
        done = int(re.search(r"(\d+) requests in", text)[1])
        number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
        return {"rate": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]), "cpu": busy / done * 1e6,
                "p99": float(number) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit], "rss": resident_mib(process.pid)}

    def ice(self):
        """Ours and a Go handler with the same work, as they come and with logging off; in several rounds, one after the
        other on the same core. The Go handler does less than STUNner's auth service, which is what is to be beaten."""
        seconds, rounds = (1, 1) if self.quick else (6, 5)
        key_file = self.folder / "api.key"
        key_file.write_text(API_KEY)
        servers = [f"turn:127.1.0.{n + 1}:{self.port}?transport=udp" for n in range(4)]
        go_port, listen = self.port + 2, f"127.0.0.1:{self.port + 1}"

        @contextlib.contextmanager
        def go(*arguments, scheme="http"):
            command = [bench_peers(), "ice", "--listen", f"127.0.0.1:{go_port}", "--key", API_KEY, "--secret", SECRET,
                       "--relays", ",".join(servers), *arguments]
            environment = dict(os.environ, GOMAXPROCS="1")
            with open(self.folder / "go.log", "w") as log, running(on_core(0, command), stderr=log,
                                                                   env=environment) as process:
                wait_for("the Go handler listens", lambda: self.accepts(go_port))
                yield process, f"{scheme}://127.0.0.1:{go_port}"

        @contextlib.contextmanager
        def ours(*arguments, scheme="http"):
            with open(self.folder / "ice.log", "w") as log, \
                    self.monitor(servers, "--api-key-file", key_file, *arguments, log=log, core=0) as process:
                wait_for("every relay has a verdict", lambda: self.get("/readyz", scheme)[0] == 200)
                yield process, f"{scheme}://{listen}"

        certificate, key = Authority(self.folder / "tls").issue("ice", "ice", addresses=["127.0.0.1"])
        paths = {"GET /v1/ice": "/v1/ice?user=alice",
                 "the STUNner shape": "/ice?service=turn&username=alice&key=" + API_KEY}
        cases = {
            "as it comes": (ours(), go("--log")),
            "nothing logged": (ours("--audit=false"), go()),
            "HTTPS, nothing logged": (
                ours("--audit=false", "--tls-listen-cert", certificate, "--tls-listen-key", key, scheme="https"),
                go("--tls-cert", certificate, "--tls-key", key, scheme="https")),
        }
        with self.light_relay(core=1):
            for logging, (our_server, go_server) in cases.items():
                results = {}
                with our_server as (monitor, here), go_server as (peer, there):
                    for _ in range(rounds):
                        for name, path in paths.items():
                            results.setdefault(name, []).append(self.wrk(monitor, here + path, seconds))
                        results.setdefault("go", []).append(self.wrk(peer, there + paths["GET /v1/ice"], seconds))
                middle = {name: {field: statistics.median(one[field] for one in several) for field in several[0]}
                          for name, several in results.items()}
                beside = middle.pop("go")
                for name, one in middle.items():
                    ratio, wanted = one["rate"] / beside["rate"], 3 * STUNNER.get(logging, 0)
                    yield Row(f"{name}, authenticated, 64 connections, one core, {logging}",
                              f"{one['rate']:,.0f}/s, {one['cpu']:.1f} us each", f">= {wanted:,}/s" if wanted else ">= Go",
                              one["rate"] >= (wanted or beside["rate"]), f"Go {beside['rate']:,.0f}/s, {beside['cpu']:.1f} us ({ratio:.1f})")
                    yield Row("its p99", f"{one['p99']:.1f} ms", "no higher", one["p99"] <= beside["p99"],
                              f"Go {beside['p99']:.1f} ms")
                in_the_clear = logging in STUNNER
                yield Row("memory (RSS)", f"{one['rss']:.1f} MiB", "< 24 MiB" if in_the_clear else "",
                          one["rss"] < 24 if in_the_clear else None, f"Go {beside['rss']:.1f} MiB")
        took = self.benchmark("ice_benchmark")
        yield Row("the ICE config alone, 3 regions of 4 relays", f"{took['one_config/4'] / 1e3:.2f} us", "", None,
                  f"with its JSON {took['one_answer'] / 1e3:.2f} us")
        yield Row("10,000 streams looked at after their keys changed", f"{took['keys_changed'] / 1e6:.1f} ms", "", None)

    @staticmethod
    def accepts(port):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    def push(self):
        """Four relays, each of them in every list, are killed one after the other; three times over."""
        subscribers, idle = (500, 500) if self.quick else (10_000, 10_000)
        idle = min(idle, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - subscribers - 1000)  # of files in one process
        key_file = self.folder / "api.key"
        key_file.write_text(API_KEY)
        listen = f"127.0.0.1:{self.port + 1}"
        spread, whole, rss = [], [], {}
        for _ in range(1 if self.quick else 3):
            with contextlib.ExitStack() as stack:
                relays = [stack.enter_context(self.light_relay(port=self.port + 10 + n, core=1)) for n in range(4)]
                servers = [f"turn:127.0.0.1:{self.port + 10 + n}?transport=udp" for n in range(4)]
                log = stack.enter_context(open(self.folder / "push.log", "w"))
                monitor = stack.enter_context(self.monitor(servers, "--api-key-file", key_file, "--audit=false",
                                                           "--log-level", "warn", log=log, core=0, one_region=True))
                wait_for("every relay has a verdict", lambda: self.get("/readyz")[0] == 200)
                time.sleep(11)  # and every URL is proven
                rss["before"] = resident_mib(monitor.pid)
                command = [self.programs / "subscribers", "--monitor", listen, "--key", API_KEY,
                           "--count", subscribers, "--idle", idle]
                clients = stack.enter_context(running(on_core(1, command), stdin=subprocess.PIPE,
                                                      stdout=subprocess.PIPE, text=True))
                if clients.stdout.readline() != "ready\n":
                    sys.exit("bench: the subscribers did not all get a list")
                rss["after"] = resident_mib(monitor.pid)
                for relay in relays[:3]:
                    clients.stdin.write("\n")
                    clients.stdin.flush()
                    time.sleep(1)
                    killed = time.monotonic()
                    relay.kill()
                    told = json.loads(clients.stdout.readline())
                    if told["told"] != subscribers:
                        sys.exit(f"bench: {told['told']} of {subscribers} subscribers were told")
                    spread.append((told["last"] - told["first"]) * 1e3)
                    whole.append((told["last"] - killed) * 1e3)
                rss["told"] = resident_mib(monitor.pid)
        spread.sort()
        each = (rss["after"] - rss["before"]) * 1024 / (subscribers + idle)
        yield Row(f"first to last of {subscribers:,} subscribers told, {len(spread)} failovers",
                  f"p50 {statistics.median(spread):.0f} ms, max {spread[-1]:.0f} ms", "p99 < 250 ms", spread[-1] < 250,
                  f"kill -9 of the relay to the last: p50 {statistics.median(whole):.0f} ms, max {max(whole):.0f} ms")
        yield Row(f"memory (RSS) with them and {idle:,} idle connections", f"{rss['told']:.1f} MiB", "< 100 MiB",
                  rss["told"] < 100, f"{rss['before']:.1f} MiB without; {each:.1f} KiB for each")

    def secure(self):
        count = 100 if self.quick else 1000
        key, certificate = self.folder / "key.pem", self.folder / "cert.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=turn.example.org", "-addext",
                        "subjectAltName=DNS:turn.example.org"], check=True, stderr=subprocess.DEVNULL)
        tls_port = self.port + 2
        with self.coturn(f"--cert={certificate}", f"--pkey={key}", f"--tls-listening-port={tls_port}"):
            common = {"in_flight": 10, "count": count}
            tcp = self.probes(relay=f"127.0.0.1:{self.port}", protocol="tcp", **common)
            yield Row("full TCP probe, 10 in flight: CPU, coturn 4.6.1", f"{per(tcp):.0f} us", "", None)
            for protocol in ["tls", "dtls"]:
                options = {"relay": f"127.0.0.1:{tls_port}", "protocol": protocol, "server_name": "turn.example.org",
                           "ca_file": certificate, **common}
                time.sleep(1.5)
                full = self.probes(no_resume=True, **options)
                time.sleep(1.5)
                resumed = self.probes(**options)
                yield Row(f"full {protocol.upper()} probe, 10 in flight: CPU, coturn 4.6.1",
                          f"{per(resumed):.0f} us", "resumed where allowed", None,
                          f"{resumed['resumed']} of {resumed['done']} resumed; never resumed: {per(full):.0f} us")

    def detection(self):
        """Each run has a relay of its own, so that none counts as one that flaps."""
        runs = 5 if self.quick else 50
        for name, kill in [("kill -9 of coturn", signal.SIGKILL), ("coturn hangs (SIGSTOP), its port silent", signal.SIGSTOP)]:
            times = self.detect(runs, kill)
            p99 = sorted(times)[min(len(times) - 1, int(0.99 * len(times)))]
            yield Row(f"{name} -> verdict, {runs} runs", f"p50 {statistics.median(times) * 1e3:.0f} ms, p99 "
                      f"{p99 * 1e3:.0f} ms, max {max(times) * 1e3:.0f} ms", "p99 < 500 ms", p99 < 0.5)

    def detect(self, runs, kill):
        base = self.port + 100
        relay_range = lambda n: (30000 + n * 40, 30000 + n * 40 + 39)  # noqa: E731
        verdicts, seen = {}, threading.Condition()
        servers = [f"turn:127.0.0.1:{base + n}?transport=udp" for n in range(runs)]
        read_end, write_end = os.pipe()

        def read_log():
            with os.fdopen(read_end) as lines:
                for line in lines:
                    arrived = time.monotonic()
                    with contextlib.suppress(ValueError):
                        event = json.loads(line)
                        if event.get("verdict") == "Unhealthy":
                            with seen:
                                verdicts.setdefault(event["relay"], arrived)
                                seen.notify_all()

        times = []
        with contextlib.ExitStack() as stack:
            relays = [stack.enter_context(self.coturn("--no-tls", "--no-dtls", "--relay-threads=1", port=base + n,
                                                      relay_ports=relay_range(n))) for n in range(runs)]
            with os.fdopen(write_end, "w") as log:
                stack.enter_context(self.monitor(servers, log=log))
            threading.Thread(target=read_log, daemon=True).start()
            wait_for("every relay has a verdict", lambda: self.get("/readyz")[0] == 200)
            time.sleep(2)
            for number, relay in enumerate(relays):
                time.sleep(random.uniform(0.1, 0.3))
                name, started = f"relay-{number}", time.monotonic()
                relay.send_signal(kill)
                with seen:
                    if not seen.wait_for(lambda: name in verdicts, 5):
                        sys.exit(f"bench: no verdict about {name}")
                times.append(verdicts[name] - started)
            for relay in relays:
                with contextlib.suppress(ProcessLookupError):
                    relay.kill()
        return times

    def benchmark(self, program):
        command = [self.programs / program, "--benchmark_format=json",
                   f"--benchmark_min_time={0.05 if self.quick else 0.5}"]
        done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True, check=True)
        nanoseconds = {"ns": 1, "us": 1e3, "ms": 1e6}
        return {entry["name"]: entry["cpu_time"] * nanoseconds[entry["time_unit"]]
                for entry in json.loads(done.stdout)["benchmarks"]}

    def verdict(self):
        took = self.benchmark("verdict_benchmark")["judge_fleet"]
        yield Row("verdict over 1,000 relays x 5 vantages", f"{took / 1e6:.3f} ms", "< 2 ms", took < 2e6)

    def operator(self):
        yield from operators.compare(running, self.programs.parent, self.folder, Row, self.quick)

    def codec(self):
        took = self.benchmark("codec_benchmark")["decode_and_verify/sha1"]
        yield Row("decode + verify an Allocate response", f"{took / 1e3:.2f} us", "< 1.5 us", took < 1500)


def main():
    names = ["probe", "canary", "fleet", "secure", "detection", "ice", "push", "verdict", "codec", "operator"]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="the build directory")
    parser.add_argument("--quick", action="store_true", help="a few seconds each: that they work, not what they measure")
    parser.add_argument("benchmarks", nargs="*", metavar="BENCHMARK", help=f"of {', '.join(names)}; default: all")
    options = parser.parse_args()
    if unknown := set(options.benchmarks) - set(names):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    bench = Bench(options.build, options.quick)
    rows = []
    for name in options.benchmarks or names:
        print(f"{name} ...", file=sys.stderr, flush=True)
        rows += getattr(bench, name)()
    print_table(rows)


if __name__ == "__main__":
    main()
