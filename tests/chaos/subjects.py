"""subjects - what runs, while it is struck

Each says what is started and how what became of it is told; judge.py says whether that
is right.
"""
import csv
import io
import os
import subprocess

import judge

HERE = os.path.dirname(os.path.abspath(__file__))
LIMIT_S = 120  # for one run; a resumption has as much again
TASKS = 40
SQUARES = 2000  # tasks of a farm, one in so many of which takes a while:
LONG = 20

ALONE = ("keeper", "manager", "task")
RANKS = ("keeper", "front", "launcher", "task", "manager", "worker", "manager's parent",
         "worker's parent")
KINDS = ("signal", "signal", "signal", "everything", "descriptors", "memory", "processes",
         "few", "clock")


class Subject:
    """`struck`: the parts that its faults strike; `kinds`: the kinds of faults, the
    commoner several times; `span_s`: for about so long there is something to strike."""
    on_hosts = False
    restarts = False

    def __init__(self, build, name, mpi=None):
        self.build, self.mpi = os.path.abspath(build), mpi
        self.name = name + (f", {mpi}" if mpi else "")
        self.rota = os.path.join(self.build, "rota")
        self.alone = os.path.join(self.build, "tests", "alone")
        self.struck = list(ALONE if mpi is None else RANKS)
        if mpi == "mpich":
            self.struck.append("daemon")
        self.kinds = list(KINDS)
        self.span_s = 2.0


class Run(Subject):
    """rota run: with a run file, or a joblog and results."""

    def __init__(self, build, name, options, mpi=None, works="commands", log=False):
        super().__init__(build, name, mpi)
        self.works, self.log = works, log
        self.options = [*options, *(["-j3"] if mpi is None else ["-n4", "-j2"])]
        self.kinds += ["disk", "disk"]
        self.keeps_order = "-k" in options
        self.restarts = "--restarts" in options
        self.resumable = works != "pipe"

    def text(self, number):
        """What a task's output must be."""
        if self.works == "worker":
            return f"{number ** 2}\n"
        return f"begin {number}\nend {number}\n"

    def paths(self, trial):
        """The run file, the joblog and the results."""
        return [os.path.join(trial.disk, name) for name in ("chaos.db", "log", "results")]

    def words(self, trial, again=()):
        file, log, results = self.paths(trial)
        kept = ["--joblog", log, "--results", results] if self.log else ["--run", file]
        return [self.rota, "run", *kept, *again, *self.options, *self.work(trial)]

    def work(self, trial):
        numbers = list(map(str, range(1, TASKS + 1)))
        if self.works == "worker":
            return ["--worker", os.path.join(HERE, "worker.sh"), ":::", *numbers]
        if self.works == "pipe":
            path = os.path.join(trial.folder, "input")
            with open(path, "w", encoding="utf-8") as f:
                f.writelines(n + "\n" for n in numbers)
            return ["--pipe", "-N1", "-a", path, "read n; sleep 0.$((1 + n % 3)); "
                    "echo begin $n; echo end $n"]
        return ["sleep 0.$((1 + {} % 3)); echo begin {}; echo end {}", ":::", *numbers]

    def resume_words(self, trial):
        file, log, _ = self.paths(trial)
        if not self.resumable:
            os.unlink(file)
            return self.words(trial)
        if self.log:
            return self.words(trial, ["--resume-failed"] if os.path.exists(log) else [])
        return [self.rota, "resume", "--retry-failed", file]

    def has_begun(self, trial):
        file, log, _ = self.paths(trial)
        path = log if self.log else file
        return os.path.exists(path) and os.stat(path).st_size > 0

    def is_whole(self, trial):
        """Whether every task has succeeded; raises Wrong where what is told of them makes
        no sense."""
        file, log, results = self.paths(trial)
        if self.log:
            with open(log, encoding="utf-8", errors="replace") as f:
                done = judge.joblog(f.read(), TASKS)
            whole = len(done) == TASKS
            if whole:
                judge.results(results, TASKS, self.text)
            return whole
        judge.run_file(file, TASKS)
        if not self.has_begun(trial):
            return False  # what a dead process had begun there is undone now
        report = subprocess.run([self.rota, "report", "--csv", file], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                timeout=LIMIT_S, check=False)
        if report.returncode != 0:
            raise judge.Wrong(f"no report: {report.stderr.strip()}")
        rows = list(csv.DictReader(io.StringIO(report.stdout)))
        return judge.rows(rows, TASKS, self.text)

    def judge(self, trial, end):
        """How it went: "whole" or "said"; raises Wrong."""
        judge.shown(end, TASKS, self)
        begun = self.has_begun(trial)
        if end.status == 0 and not begun:
            raise judge.Wrong("status 0, and nothing was kept")
        judge.said(end, trial)
        whole = begun and self.is_whole(trial)
        if end.status == 0 and not whole:
            raise judge.Wrong("status 0, and not every task is done")
        if not self.has_begun(trial) and not self.log:
            return "said"
        first = whole
        for _ in range(4):
            if whole:
                return "whole" if first else "said"
            end = trial.again(self.resume_words(trial))
            judge.shown(end, TASKS, self)
            whole = self.is_whole(trial)
        raise judge.Wrong(f"four resumptions did not end it; the last: {end.err}")


class HostsRun(Run):
    """rota run on two hosts."""
    on_hosts = True

    def __init__(self, build, name, options, mpi):
        super().__init__(build, name, [*options, "--hosts", "host1:2,host2:3"], mpi)
        self.options.remove("-n4")
        self.options.append("-n5")
        self.struck = [*dict.fromkeys([*self.struck, "daemon"])]
        self.kinds = ["host"]
        self.span_s = 3.0


class Farm(Subject):
    """A program on the library: its results, a line each, in a file."""

    def __init__(self, build, name, options, mpi):
        super().__init__(build, name, mpi)
        self.options = options
        # Who started the program is not the library's: rota exec.
        self.struck = ["manager", "worker", "worker's parent"]
        if "in-rank" not in options:
            self.struck += ["nursery", "child"]

    def words(self, trial):
        program = os.path.join(self.build, "tests", "squares_farm")
        return [self.rota, "exec", "-n", "5", program,
                os.path.join(trial.disk, "chaos.results"), str(SQUARES), str(LONG),
                *self.options]

    def judge(self, trial, end):
        path = os.path.join(trial.disk, "chaos.results")
        text = ""
        if os.path.exists(path):
            with open(path, encoding="utf-8") as f:
                text = f.read()
        complete, failed = judge.squares(text, SQUARES)
        if end.status == 0 and (not complete or failed):
            raise judge.Wrong("status 0, and not all is done")
        judge.said(end, trial)
        return "whole" if complete and not failed else "said"


def subjects(builds, with_hosts):
    kept = ["-k"]
    first = builds[0]
    for build, mpi in [(first, None)] + [(b, mpi_of(b)) for b in builds]:
        on = "run" if mpi is None else "run on ranks"
        yield Run(build, on, [], mpi)
        yield Run(build, f"{on}, joblog and results", kept, mpi, log=True)
        yield Run(build, f"{on}, restarts", ["--restarts", "2"], mpi)
        yield Run(build, f"{on}, worker", [], mpi, works="worker")
        yield Run(build, f"{on}, pipe", kept, mpi, works="pipe")
        if mpi is None:
            continue
        yield Farm(build, "farm, isolated", [], mpi)
        yield Farm(build, "farm, in-rank", ["in-rank"], mpi)
        if with_hosts:
            yield HostsRun(build, "run on hosts", [], mpi)


def mpi_of(build):
    with open(os.path.join(build, "CMakeCache.txt"), encoding="utf-8") as f:
        launcher = next(line for line in f if line.startswith("ROTA_MPIEXEC:"))
    return "mpich" if "mpich" in launcher else "openmpi"
