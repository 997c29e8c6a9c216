"""faults - what may happen to a run, and what the run may say of it

A fault is drawn for a subject (`draw`) and prepared before the run begins: it may put
words before the command. Then it strikes; it says whether there was anything to strike,
and may be taken back a while later. What it does to limits and files is taken back
before the run is resumed, at the latest.
"""
import os
import resource
import signal
import struct

from processes import status_kib, threads_of_user, below

# What standard error may say where a run did not come to its end, by what caused it.
LOST = (r"was killed by signal|exited|died|was ended|vanished|frozen|ended without a word|"
        r"asked to stop|tasks failed|by the launcher's account|signal \d+|cannot go on|"
        r"lost|could not be completed|was stopped")
FULL = r"No space left|disk( is)? full"
# MPI itself has many words for what it lacks at its start, and aborts.
MPI = (r"|MPI_|MPI failed|PMI|ORTE|HYD_|Assertion|UCX|MPI did not begin|without a word|"
       r"started nothing|the launcher hung|by the launcher's account")
SPENT = r"[Tt]oo many open files|open files|descriptors|limit on number of pipes" + MPI
REFUSED = (r"[Oo]ut of memory|Resource temporarily unavailable|failed to map|no memory|"
           r"annot allocate memory|Not enough space|bad_alloc|signal 11|signal 6|"
           r"for its liveness line" + MPI)
FORKLESS = r"Resource temporarily unavailable|[Cc]annot fork" + MPI


class Fault:
    kind = ""
    explains = LOST

    def prepare(self, trial):
        """Before the run begins. Returns words to put before its command."""
        del trial
        return []

    def strike(self, trial):
        """Returns False where there is nothing to strike yet."""
        raise NotImplementedError

    def undo(self, trial):
        """What has been done to the machine, and not to processes, is over."""


class Strike(Fault):
    """A signal to one process of a part, and perhaps another a while later."""
    kind = "signal"

    def __init__(self, part, number, later=None):
        self.part, self.number, self.later = part, number, later
        self.name = f"{signal.Signals(number).name} {part}"
        if later:
            self.name += f", {signal.Signals(later).name}"

    def strike(self, trial):
        victims = trial.parts()[self.part]
        if not victims:
            return False
        victim = trial.chance.choice(sorted(victims))
        trial.signal(victim, self.number)
        if self.later is not None:
            trial.after(trial.chance.uniform(0.1, 0.8),
                        lambda: trial.signal(victim, self.later))
        if self.part == "keeper" and self.number in (signal.SIGKILL, signal.SIGSEGV):
            trial.mute = True
        return True


class Everything(Fault):
    """SIGKILL to all that belongs to the run, at once: as when a machine dies."""
    kind = "everything"
    name = "SIGKILL everything"

    def strike(self, trial):
        trial.mute = True
        trial.untidy = True  # nobody is left to tidy up
        for _ in range(20):  # who is being started meanwhile dies in the next round
            pids = [p.pid for p, _ in below(trial.alone) if p.state != "Z"]
            for pid in pids:
                trial.signal(pid, signal.SIGKILL)
            if not pids:
                break
        return True


class FullDisk(Fault):
    """The disk of the run's files is full from a moment on, perhaps to another."""
    kind = "disk"
    explains = FULL

    def __init__(self, chance):
        self.later_s = chance.choice([None, None, 0.3, 0.8, 1.5])
        self.name = "disk full" + (", and emptied" if self.later_s else "")

    def prepare(self, trial):
        trial.small_disk()
        return []

    def strike(self, trial):
        self.filler = os.path.join(trial.disk, "filler")
        with open(self.filler, "wb", buffering=0) as f:
            for size in (1 << 16, 1 << 12, 1 << 8, 1):
                try:
                    while True:
                        f.write(b"x" * size)
                except OSError:
                    pass
        if self.later_s is not None:
            trial.after(self.later_s, lambda: self.undo(trial))
        return True

    def undo(self, trial):
        if os.path.exists(os.path.join(trial.disk, "filler")):
            os.unlink(self.filler)


class Limit(Fault):
    """A limit on one process of a part, and what it starts, as narrow as what it has."""
    limits = ()

    def __init__(self, part, chance):
        self.part = part
        self.later_s = chance.choice([None, None, 0.5])
        self.more = chance.random()
        self.name = f"{self.kind} refused to {part}" + (", for a while" if self.later_s
                                                        else "")

    def value(self, trial, pid, limit):
        raise NotImplementedError

    def strike(self, trial):
        victims = trial.parts()[self.part]
        if not victims:
            return False
        victim = trial.chance.choice(sorted(victims))
        limit = trial.chance.choice(self.limits)
        try:
            value = self.value(trial, victim, limit)
            before = resource.prlimit(victim, limit)
            resource.prlimit(victim, limit, (value, before[1]))
        except OSError:
            return False  # it has just ended
        trial.say(f"limit of {victim} is {value}")
        if self.later_s is not None:
            trial.after(self.later_s, lambda: self.give_back(victim, limit, before))
        return True

    def give_back(self, victim, limit, before):
        try:
            resource.prlimit(victim, limit, before)
        except OSError:
            pass  # it has ended


class Descriptors(Limit):
    kind = "descriptors"
    explains = SPENT
    limits = (resource.RLIMIT_NOFILE,)

    def value(self, trial, pid, limit):
        taken = max(map(int, os.listdir(f"/proc/{pid}/fd")), default=2)
        return taken + 1 + int(3 * self.more)


class Memory(Limit):
    kind = "memory"
    explains = REFUSED
    limits = (resource.RLIMIT_AS, resource.RLIMIT_DATA)

    def value(self, trial, pid, limit):
        size = status_kib(pid, "VmSize" if limit == resource.RLIMIT_AS else "VmData")
        return (size << 10) + int(self.more ** 4 * (8 << 20))


class Processes(Limit):
    """RLIMIT_NPROC does not bind root: the run gets a user of its own."""
    kind = "processes"
    explains = FORKLESS
    limits = (resource.RLIMIT_NPROC,)

    def prepare(self, trial):
        trial.own_user()
        return []

    def value(self, trial, pid, limit):
        return threads_of_user(trial.uid) + int(3 * self.more)


class Poor(Fault):
    """Few of something from the beginning."""

    def __init__(self, kind, flag, amounts, explains, chance):
        self.kind, self.explains = kind, explains
        self.words = ["prlimit", f"--{flag}={chance.choice(amounts)}"]
        self.name = f"few {kind} from the beginning"

    def prepare(self, trial):
        if self.kind == "processes":
            trial.own_user()
        trial.say(" ".join(self.words))
        return self.words

    def strike(self, trial):
        return True


class Clock(Fault):
    """The time of day is set."""
    kind = "clock"

    def __init__(self, chance):
        self.seconds = chance.choice([60, 3600, 40 * 86400, 40 * 86400, -3600])
        self.name = "clock set " + ("forward" if self.seconds > 0 else "back")

    def prepare(self, trial):
        trial.own_clock()
        return []

    def strike(self, trial):
        # The times of files are the kernel's, and are not set: what began by this clock
        # finds none that are younger, and clears nothing away.
        trial.untidy |= trial.subject.mpi is not None
        with open(trial.clock, "r+b", buffering=0) as f:
            f.write(struct.pack("=q", self.seconds))
        return True


def has_ranks(trial):
    """Before there are any, a launcher that loses a host waits as long as the connection
    does by which it starts them there (docs/failures.md): that is not struck."""
    found = trial.parts()
    return found["manager"] and found["worker"]


class CutOff(Fault):
    """A host's link is down, and perhaps up again."""
    kind = "host"
    explains = LOST + MPI

    def __init__(self, chance):
        self.later_s = chance.choice([None, 0.5, 2.0, 5.0, 8.0])
        self.name = "host cut off" + (", and back" if self.later_s else "")

    def strike(self, trial):
        if not has_ranks(trial):
            return False
        trial.hosts.link("down")
        if self.later_s is not None:
            trial.after(self.later_s, lambda: trial.hosts.link("up"))
        return True

    def undo(self, trial):
        trial.hosts.link("up")


class Crash(Fault):
    """A host dies."""
    kind = "host"
    explains = LOST + MPI
    name = "host crashed"

    def strike(self, trial):
        if not has_ranks(trial):
            return False
        trial.hosts.link("down")
        trial.hosts.kill()
        return True

    def undo(self, trial):
        trial.hosts.link("up")


def signals(struck):
    for part in struck:
        for number in (signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM):
            yield Strike(part, number)
        yield Strike(part, signal.SIGSTOP, signal.SIGCONT)
        if part == "worker":
            yield Strike(part, signal.SIGSTOP)  # for good: it is ended when found frozen


def few(subject, chance):
    """What a run may have few of from the beginning; MPI needs more than commands do."""
    table = [Poor("descriptors", "nofile", [*range(4, 40)], SPENT, chance),
             Poor("memory", "as", [n << 20 for n in range(6, 200, 4)], REFUSED, chance)]
    if "processes" in subject.kinds:
        table.append(Poor("processes", "nproc", [*range(1, 24)], FORKLESS, chance))
    return chance.choice(table)


def draw(subject, chance):
    """A fault for this subject."""
    part = chance.choice([p for p in subject.struck if p != "agent"])
    kind = chance.choice(subject.kinds)
    if kind == "signal":
        return chance.choice(list(signals(subject.struck)))
    if kind == "host":
        return chance.choice([CutOff(chance), CutOff(chance), Crash(),
                              Strike("daemon", signal.SIGKILL)])
    return {
        "everything": lambda: Everything(),
        "disk": lambda: FullDisk(chance),
        "descriptors": lambda: Descriptors(part, chance),
        "memory": lambda: Memory(part, chance),
        "processes": lambda: Processes(part, chance),
        "few": lambda: few(subject, chance),
        "clock": lambda: Clock(chance),
    }[kind]()
