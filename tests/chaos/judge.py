"""judge - whether what became of a run is right

Pure, but for the files that are to be looked at: test_judge.py shows it wrong ones. All
raise Wrong.
"""
import collections
import os
import re
import sqlite3

STATUS_SIGNAL = 128
STATUS_USAGE = 2


class Wrong(Exception):
    """What a run must not do."""


def joblog(text, tasks):
    """The numbers of the tasks that have succeeded, once each. The last line may be half
    a line: who wrote it has died."""
    lines = text.split("\n")
    done = collections.Counter()
    if not lines[0].startswith("Seq\tHost\t") and len(lines) > 1:
        raise Wrong(f"a joblog without its heading: {lines[0]}")
    for line in lines[1:-1]:
        word = line.split("\t")
        if len(word) < 9 or not word[0].isdigit() or not 1 <= int(word[0]) <= tasks:
            raise Wrong(f"a line of the joblog makes no sense: {line!r}")
        if word[6:8] == ["0", "0"]:
            done[int(word[0])] += 1
    twice = sorted(task for task, count in done.items() if count > 1)
    if twice:
        raise Wrong(f"done twice by the joblog: {twice}")
    return set(done)


def results(folder, tasks, text):
    """Every task's output in its file; DIR/1/ARGUMENT/stdout."""
    for number in range(1, tasks + 1):
        path = os.path.join(folder, "1", str(number), "stdout")
        if not os.path.exists(path):
            raise Wrong(f"no result of task {number}")
        with open(path, encoding="utf-8", errors="replace") as f:
            found = f.read()
        if found != text(number):
            raise Wrong(f"the result of task {number} is {found!r}")


def run_file(path, tasks):
    """What SQLite says of the file itself, and its tables of each other. Whoever opens it
    may have to undo what a dead process was writing, so it is not opened read-only."""
    db = sqlite3.connect(path)
    try:
        verdict = db.execute("PRAGMA integrity_check").fetchone()[0]
        if verdict != "ok":
            raise Wrong(f"the run file is damaged: {verdict}")
        if not db.execute("SELECT 1 FROM sqlite_master").fetchone():
            return  # struck before it was filled
        for what, query in {
                "a task that is not listed has ended":
                    "SELECT task FROM results WHERE task NOT IN (SELECT task FROM tasks)",
                "a task with an end, and no attempt that brought it":
                    "SELECT task FROM results r WHERE outcome = 0 AND NOT EXISTS (SELECT 1 "
                    "FROM attempts a WHERE a.task = r.task AND a.attempt = r.attempt "
                    "AND a.outcome = 0)",
                "a task that succeeded twice":
                    "SELECT task FROM attempts WHERE outcome = 0 GROUP BY task "
                    "HAVING count(*) > 1",
                "output of a task that has not ended":
                    "SELECT task FROM outputs WHERE task NOT IN (SELECT task FROM results)",
                "a task beyond the list": f"SELECT task FROM tasks WHERE task > {tasks}",
        }.items():
            found = [row[0] for row in db.execute(query)]
            if found:
                raise Wrong(f"{what}: {found}")
    except sqlite3.Error as e:
        raise Wrong(f"the run file can't be read: {e}") from None
    finally:
        db.close()


def rows(report, tasks, text):
    """Rows of rota report --csv. Returns whether all is done."""
    done = 0
    for at, row in enumerate(report):
        if row["task"] != str(at + 1):
            raise Wrong(f"row {at + 1} of the report is {row}")
        if row["outcome"] == "done":
            done += 1
            if row["out"] != text(at + 1):
                raise Wrong(f"task {at + 1} came to {row}")
        elif row["outcome"] != "left" and not row["reason"]:
            raise Wrong(f"task {at + 1} failed for no reason: {row}")
    if done == tasks and len(report) > tasks:
        raise Wrong("more tasks than there are")
    return done == tasks


def shown(end, tasks, subject):
    """Standard output: of each task all or nothing, and once; the last may be half where
    the run was cut off. What had not been recorded when a run began again is shown
    again."""
    out, status = end.out, end.status
    if subject.mpi is not None:
        out = without_notices(out)
    if subject.log:
        if out:
            raise Wrong(f"shown, though it goes to files: {out!r}")
        return
    seen = []
    rest = out
    while rest:
        first = re.match(r"(?:begin )?(\d+)\n", rest)
        number = int(first.group(1)) if first else 0
        if subject.works == "worker":
            number = round(number ** 0.5)
        whole = subject.text(number)
        if not rest.startswith(whole):
            if status != 0 and any(subject.text(n).startswith(rest)
                                   for n in range(1, tasks + 1)):
                break
            raise Wrong(f"shown: {rest[:60]!r}")
        seen.append(number)
        rest = rest[len(whole):]
    if subject.restarts and "starting again" in end.err:
        return
    if len(set(seen)) != len(seen):
        raise Wrong(f"shown twice: {sorted(n for n in seen if seen.count(n) > 1)}")
    if subject.keeps_order and seen != sorted(seen):
        raise Wrong(f"shown in another order: {seen}")
    if status == 0 and len(seen) != tasks and not end.resumed:
        raise Wrong(f"status 0, and only {len(seen)} tasks were shown")


def without_notices(out):
    """Launchers have words of their own on standard output: Open MPI's where hosts do not
    find each other, between lines of dashes, MPICH's of ranks that it has lost."""
    out = re.sub(r"^-{20,}\n.*?^-{20,}\n", "", out, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"^(=|YOUR APPLICATION|This typically|Please see|\[proxy|\[mpiexec|"
                  r"\.\./).*\n?", "", out, flags=re.MULTILINE)


def said(end, trial):
    """Who ends with another status than 0 says why; but for who was killed."""
    if end.status == 0:
        return
    if not trial.struck:
        raise Wrong(f"status {end.status}, though nothing struck it")
    if trial.mute:
        return
    if not end.err.strip():
        raise Wrong(f"status {end.status}, and not a word")
    if not any(re.search(fault.explains, end.err) for fault in trial.struck):
        raise Wrong(f"status {end.status}, and nothing that it says explains it")


def squares(text, count):
    """Results of squares_farm. Returns whether all have ended, and how many failed."""
    seen = collections.Counter()
    failed = 0
    lines = text.splitlines()
    for at, line in enumerate(lines):
        word = line.split()
        if len(word) == 3 and word[1] == "=" and int(word[2]) == int(word[0]) ** 2:
            seen[int(word[0])] += 1
        elif len(word) == 4 and word[1] == "failed":
            seen[int(word[0])] += 1
            failed += 1
        elif line != "over" or at + 1 < len(lines):
            raise Wrong(f"a result that makes no sense: {line}")
    twice = sorted(task for task, times in seen.items() if times > 1)
    if twice:
        raise Wrong(f"results counted twice: {twice}")
    over = bool(lines) and lines[-1] == "over"
    if over and len(seen) != count:
        raise Wrong(f"it was over with {len(seen)} of {count} results")
    return over, failed
