"""A program of a part: started with a log of its own, watched, stopped; it never outlives the part."""

import ctypes
import signal
import subprocess
import time

from .failure import Failure, progress

_libc = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


class Program:
    """argv runs under instance; stdout and stderr go to <instance>/logs/<name>.log.

    Start programs from the main thread only: the kernel ends them (PR_SET_PDEATHSIG) with the thread that started them.
    """

    def __init__(self, instance, name, argv, environment=None, pipes=False):
        self.name = name
        self.argv = [str(word) for word in argv]
        self.log = instance.logs / f"{name}.log"
        self._instance = instance
        self._environment = environment
        self._pipes = pipes
        self.process = None
        instance.programs[name] = self
        self.start()

    def start(self):
        if self.running():
            return
        pipe = subprocess.PIPE if self._pipes else None
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.argv, stdin=pipe or subprocess.DEVNULL, stdout=pipe or log, stderr=log, env=self._environment,
                start_new_session=True, preexec_fn=lambda: _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL))
        self._instance.record(self.process.pid)

    def running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        """Sends a signal; after SIGTERM and SIGKILL waits until the program has ended."""
        if not self.running():
            return
        self.process.send_signal(number)
        if number in (signal.SIGTERM, signal.SIGKILL):
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(20)

    def log_tail(self, size=3000):
        return self.log.read_bytes()[-size:].decode(errors="replace")

    def check(self):
        if not self.running():
            raise Failure(f"{self.name} ended with exit code {self.process.returncode}; the end of its log:\n{self.log_tail()}")


def wait_until(what, condition, seconds, programs=(), interval=0.1):
    """Polls until condition() is true; fails when time is up or one of the programs has ended."""
    begin = time.monotonic()
    told = begin
    while not condition():
        for program in programs:
            program.check()
        now = time.monotonic()
        if now - begin > seconds:
            logs = "".join(f"\n--- {p.log}:\n{p.log_tail(1000)}" for p in programs)
            raise Failure(f"waited {seconds} s for {what}, in vain{logs}")
        if now - told > 5:
            told = now
            progress(f"still waiting for {what} ({now - begin:.0f} s)")
        time.sleep(interval)


COMMAND_SIGNALS = {"stop": signal.SIGTERM, "kill": signal.SIGKILL, "pause": signal.SIGSTOP, "resume": signal.SIGCONT}


def command(instance, request):
    """{"cmd": "program", "name": ..., "action": "start|stop|kill|pause|resume"} on any part's programs."""
    if request["cmd"] != "program":
        raise Failure(f"no command {request['cmd']}")
    program = instance.programs.get(request["name"])
    if program is None:
        raise Failure(f"no program {request['name']}", f"there are: {', '.join(instance.programs)}")
    if request["action"] == "start":
        program.start()
    else:
        program.signal(COMMAND_SIGNALS[request["action"]])
    return {"pid": program.process.pid}
