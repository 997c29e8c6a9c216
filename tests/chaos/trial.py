"""trial - one run: started, struck, waited for, judged

All that a trial does to the machine is undone by its end: limits are its processes',
what it mounts goes with it.
"""
import collections
import heapq
import itertools
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time

import faults
import judge
import spaces
from processes import below, child_of, parts
from subjects import LIMIT_S

FREEZE_MS = 1500
JOIN_MS = 6000
SPARE_S = 60       # for alone to end what has not ended
PATIENCE_S = 15.0  # for what a fault strikes to be there
TRY_S = 0.03
DISK = "24M"

End = collections.namedtuple("End", "status out err resumed", defaults=[False])


class Trial:
    def __init__(self, subject, seed, place, moved, verbose):
        """`place`: a number that no other trial has meanwhile."""
        self.subject, self.seed, self.place = subject, seed, place
        self.moved, self.verbose = moved, verbose
        self.chance = random.Random(seed)
        self.log = []
        self.struck = []
        self.mute = False    # who could say what happened was killed
        self.untidy = False  # so was who could tidy up
        self.uid = self.clock = self.hosts = None
        self.ends = []
        self.mounted = False
        self.took_s = 0.0

    # --- what faults use ---

    def say(self, text):
        line = f"{time.monotonic() - self.begun:.2f} s: {text}"
        self.log.append(line)
        if self.verbose:
            print(f"    {line}", flush=True)

    def parts(self):
        top = child_of(self.alone)
        return parts(top, self.subject.mpi is not None) if top else \
            collections.defaultdict(list)

    def signal(self, pid, number):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass

    def after(self, delay_s, action):
        heapq.heappush(self.agenda, (time.monotonic() + delay_s, next(self.order), action))

    def small_disk(self):
        if not self.mounted:
            spaces.mount(self.disk, DISK)
            self.mounted = True

    def own_user(self):
        if self.uid is None:
            self.uid = spaces.USERS + self.place
            os.chown(self.folder, self.uid, -1)

    def own_clock(self):
        self.clock = os.path.join(self.folder, "clock")
        with open(self.clock, "wb") as f:
            f.write(bytes(8))

    # --- starting and ending ---

    def environment(self, struck):
        env = dict(os.environ, ROTA_FREEZE_MS=str(FREEZE_MS),
                   ROTA_JOIN_MS=str(JOIN_MS), TMPDIR=self.folder,
                   HOME=self.folder)
        if self.hosts is not None:
            env.update(self.hosts.environment())
        if self.clock is not None and struck:
            library = os.path.join(self.subject.build, "tests", "libchaos_clock.so")
            env.update(LD_PRELOAD=library, CHAOS_CLOCK=self.clock)
        return env

    def start(self, words, before=(), struck=False):
        self.out = tempfile.TemporaryFile("w+", errors="replace")
        self.err = tempfile.TemporaryFile("w+", errors="replace")
        alone = [self.subject.alone, "--limit", str(LIMIT_S + SPARE_S), "--grace", "20",
                 "--", *before, *words]
        if self.hosts is not None:
            alone = self.hosts.on_first(alone)
        elif self.moved:
            alone = spaces.alone_with_memory(self.uid) + alone
        self.say(" ".join(words))
        process = subprocess.Popen(alone, stdin=subprocess.DEVNULL, stdout=self.out,
                                   stderr=self.err, env=self.environment(struck),
                                   cwd=self.folder, preexec_fn=spaces.die_with_us)
        self.alone = process.pid
        self.started = time.monotonic()
        return process

    def finish(self, process):
        try:
            process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            self.say(stacks(process.pid))
            for p, _ in below(process.pid):
                self.signal(p.pid, signal.SIGKILL)
            process.wait()
            self.collect(process)
            raise judge.Wrong(f"it did not end within {LIMIT_S} s") from None
        self.took_s = max(self.took_s, time.monotonic() - self.started)
        end = self.collect(process)
        left = [line for line in end.err.splitlines() if "alone: left behind" in line]
        if self.untidy:
            left = [line for line in left if "left behind: process" in line]
        if left:
            raise judge.Wrong("something was left behind")
        # What alone said is not the run's.
        own = [line for line in end.err.splitlines() if not line.startswith("alone: ")]
        return End(end.status, end.out, "\n".join(own))

    def collect(self, process):
        texts = []
        for f in (self.out, self.err):
            f.seek(0)
            texts.append(f.read())
            f.close()
        status = process.returncode
        if status == 125 and self.untidy:  # alone's: the command's own is not told
            status = 128 + signal.SIGKILL
        self.ends.append(End(status, *texts))
        self.say(f"status {status}: {texts[1].strip()}")
        return self.ends[-1]

    def again(self, words):
        """Run something to an end, unstruck, on the machine as it was."""
        for fault in self.struck:
            fault.undo(self)
        return self.finish(self.start(words))._replace(resumed=True)

    # --- faults ---

    def plan(self):
        count = self.chance.choice([1, 1, 1, 2, 3])
        chosen = [faults.draw(self.subject, self.chance) for _ in range(count)]
        first = []
        for fault in chosen:
            words = fault.prepare(self)
            if not set(words[:1]) & set(first):  # limits don't go up again
                first += words
        return chosen, first

    def try_to_strike(self, fault, until):
        if fault.strike(self):
            self.say(fault.name)
            self.struck.append(fault)
        elif time.monotonic() < until:
            self.after(TRY_S, lambda: self.try_to_strike(fault, until))

    def strike(self, process, chosen):
        self.agenda, self.order = [], itertools.count()
        for fault in chosen:
            early = isinstance(fault, faults.Poor)
            delay = 0 if early else self.chance.uniform(0.02, self.subject.span_s)
            until = time.monotonic() + delay + PATIENCE_S
            self.after(delay, lambda f=fault, u=until: self.try_to_strike(f, u))
        while self.agenda:
            at, _, action = heapq.heappop(self.agenda)
            try:
                process.wait(max(0.0, at - time.monotonic()))
                return
            except subprocess.TimeoutExpired:
                action()

    # --- the whole ---

    def run(self):
        """How it ended, "whole" or "said"; raises judge.Wrong."""
        self.begun = time.monotonic()
        self.folder = tempfile.mkdtemp(prefix="rota-chaos.")
        self.disk = os.path.join(self.folder, "disk")
        try:
            if self.subject.on_hosts:
                self.hosts = spaces.Hosts()
            chosen, first = self.plan()
            if not self.mounted:
                os.mkdir(self.disk)
                os.chmod(self.disk, 0o777)
            process = self.start(self.subject.words(self), first, struck=True)
            self.strike(process, chosen)
            end = self.finish(process)
            return self.subject.judge(self, end)
        finally:
            if self.hosts is not None:
                self.hosts.down()

    def keep(self, folder):
        """What there is to look at, below `folder`."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.disk, os.path.join(folder, "disk"), symlinks=True,
                        ignore=shutil.ignore_patterns("filler"))
        for at, end in enumerate(self.ends):
            for name, text in (("out", end.out), ("err", end.err)):
                with open(os.path.join(folder, f"{at}.{name}"), "w", encoding="utf-8") as f:
                    f.write(text)
        with open(os.path.join(folder, "log"), "w", encoding="utf-8") as f:
            f.write("\n".join(self.log) + "\n")

    def remove(self):
        if self.mounted:
            spaces.unmount(self.disk)
        shutil.rmtree(self.folder, ignore_errors=True)


def stacks(top):
    """What everyone below `top` is doing, for people."""
    text = "who is there still:"
    for p, above in below(top):
        text += f"\n{'  ' * len(above)}{p.pid} {p.state} {' '.join(p.words)[:200]}"
    if shutil.which("gdb") is None:
        return text
    for p, _ in itertools.islice(below(top), 12):
        try:
            shown = subprocess.run(["gdb", "-p", str(p.pid), "-batch", "-ex",
                                    "thread apply all bt 12"], text=True, timeout=20,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                   stdin=subprocess.DEVNULL, check=False).stdout
        except subprocess.TimeoutExpired:
            continue
        frames = [line for line in shown.splitlines() if line.startswith(("#", "Thread"))]
        text += f"\n{p.pid}:\n" + "\n".join(frames)
    return text
