#!/usr/bin/python3
"""play.py - play the labelled programs under `rota guard`, and hold it to the labels

    play.py --rota ROTA --programs DIR --mpi NAME [--sample | --all] [--repeat N]
            [--jobs N] [PATTERN...]
    play.py ... --random COUNT --labels GUARD_LABELS [--seed S]
    play.py ... --medley COUNT [--seed S]

--random plays random programs instead, of which guard_labels (tests/simulate/guard) knows
how they end; --medley plays medley.c by so many seeds, each as it is and with a hang. DIR
has the compiled ones; PATTERN is part of "program case". Says each that goes wrong
with what the guard said, then in one line how many were right, and how long the verdicts
took. Exit status 1 if any was wrong. A Fortran compiler may be missing: what DIR does not
have is skipped, and that is said.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent
LIMIT_S = 30
MEDLEY_TAG = 99
SLOW_LIMIT_S = 300
WORDS = {"stuck": "stuck", "mismatch": "mismatch", "quiet": "no progress",
         "untold": "going on"}
FLAGS = {"any": ["--quiet", "2"], "quiet": ["--quiet", "1"], "untold": ["--quiet", "1", "--timeout", "4"]}


class Label:
    """A line of labels.txt."""

    def __init__(self, line):
        self.program, self.case, ranks, self.verdict, stuck, self.call, *options = line
        self.ranks = int(ranks)
        self.stuck = numbers(stuck)
        self.options = dict(o.partition("=")[::2] for o in options)
        self.name = f"{self.program} {self.case}"

    def has(self, option):
        return option in self.options

    def agrees(self, stuck):
        """Are these ranks those that are stuck?"""
        return stuck == self.stuck


class RandomLabel(Label):
    """A line of guard_labels. The guard tells as soon as it knows of some, and of programs
    with wildcards it can't always know."""

    def __init__(self, line):
        seed, ranks, verdict, stuck, *wild = line
        options = ["wild"] if wild else []
        super().__init__(["random", seed, ranks, verdict, stuck, "-", *options])

    def agrees(self, stuck):
        return stuck != [] and set(stuck) <= set(self.stuck)


class MedleyLabel(Label):
    """A play of medley.c. Where it hangs, what is known of it depends on the round."""

    def __init__(self, seed, hangs):
        ranks = 2 + seed % 4
        verdict = "any" if hangs else "ends"
        super().__init__(["medley", str(seed), str(ranks), verdict, "-", "-"])
        self.name += " hang" if hangs else ""

    def culprit_is_told(self, said):
        """Who waits for what nobody sends is among the stuck."""
        return any(wait["operation"].get("tag") == MEDLEY_TAG for wait in said["waits"])


def numbers(text):
    """The ranks of "0-2,5"."""
    ranks = []
    for part in text.split(",") if text != "-" else []:
        first, _, last = part.partition("-")
        ranks += range(int(first), int(last or first) + 1)
    return ranks


def labels():
    lines = (HERE / "labels.txt").read_text().splitlines()
    return [Label(line.split()) for line in lines if line and not line.startswith("#")]


def random_labels(options):
    lines = subprocess.run([options.labels, str(options.random), str(options.seed)],
                           check=True, stdout=subprocess.PIPE, text=True).stdout
    return [RandomLabel(line.split()) for line in lines.splitlines()]


def flags(label):
    if label.has("wild") and label.verdict == "stuck":
        return ["--timeout", "15"]
    return FLAGS.get(label.verdict, [])


def command(options, label):
    if label.program.endswith(".py"):
        program = ["/usr/bin/python3", str(HERE / "programs" / label.program)]
    else:
        program = [str(options.programs / label.program)]
    return [options.rota, "guard", "-n", str(label.ranks), "--json",
            *flags(label), "--", *program, label.case,
            *(["hang"] if label.verdict == "any" else [])]


def environment(options, label):
    """Also of the launcher, which does not mind."""
    if not label.has("preload"):
        return None
    library = (options.programs / label.options["preload"]).resolve()
    return dict(os.environ, LD_PRELOAD=str(library))


def feed(process, label):
    """What the program reads comes late, as if somebody typed it."""
    if label.has("stdin"):
        time.sleep(1)
        process.stdin.write(label.options["stdin"] + "\n")
    process.stdin.close()
    process.stdin = None


def limit(label):
    return SLOW_LIMIT_S if label.has("slow") else LIMIT_S


def run(options, label):
    """Status, standard error."""
    with subprocess.Popen(command(options, label), stdin=subprocess.PIPE,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          env=environment(options, label), text=True) as process:
        try:
            feed(process, label)
            _, err = process.communicate(timeout=limit(label))
        except subprocess.TimeoutExpired:
            process.terminate()
            try:
                _, err = process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                _, err = process.communicate()
            return None, err
    return process.returncode, err


def report(err):
    """What the guard said, or None."""
    for line in err.splitlines():
        if line.startswith('{"format":"rota-guard"'):
            return json.loads(line)
    return None


def wrong(label, status, said):
    """Why this is not what the label says, or None."""
    if status is None:
        return f"no end within {limit(label)} s"
    if label.verdict == "ends":
        expected = int(label.options.get("status", 0))
        if said is not None:
            return f"accused: {said['verdict']}"
        return None if status == expected else f"status {status} instead of {expected}"
    if said is None:
        return f"nothing said, status {status}"
    if label.verdict == "any":
        told = label.culprit_is_told(said) and said["verdict"] != "going on"
        return None if told and status == 3 else f"{said['verdict']}, status {status}"
    if label.has("wild") and said["verdict"] == "going on" and status == 3:
        return None  # only the time limit has ended it
    if said["verdict"] != WORDS[label.verdict]:
        return f"{said['verdict']} instead of {WORDS[label.verdict]}"
    if said["proved"] != (label.verdict in ("stuck", "mismatch")):
        return "proved and not are mixed up"
    if not label.agrees(said["stuck"]):
        return f"ranks {said['stuck']} instead of {label.stuck}"
    calls = {said["ranks"][rank].get("call") for rank in label.stuck}
    if label.call != "-" and calls != {label.call}:
        return f"in {sorted(map(str, calls))} instead of {label.call}"
    return None if status == 3 else f"status {status} instead of 3"


def play(options, label):
    status, err = run(options, label)
    said = report(err)
    why = wrong(label, status, said)
    waits = [wait["for_ms"] for wait in said["waits"]] if said else []
    return label, why, err, min(waits, default=None)


def is_wanted(options, label):
    if label.options.get("mpi", options.mpi) != options.mpi:
        return False
    # Debian's mpi4py is Open MPI's.
    if label.program.endswith(".py") and options.mpi != "openmpi":
        return False
    if options.sample:
        return label.has("sample")
    if label.has("slow") and not options.all:
        return False
    return not options.pattern or any(p in label.name for p in options.pattern)


def is_there(options, label):
    return label.program.endswith(".py") or (options.programs / label.program).exists()


def parse():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--rota", required=True)
    parser.add_argument("--programs", required=True, type=pathlib.Path)
    parser.add_argument("--mpi", required=True)
    parser.add_argument("--sample", action="store_true")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--random", type=int)
    parser.add_argument("--medley", type=int)
    parser.add_argument("--labels")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("pattern", nargs="*")
    return parser.parse_args()


def main():
    options = parse()
    if options.random is not None:
        known = random_labels(options)
    elif options.medley is not None:
        seeds = range(options.seed, options.seed + options.medley)
        known = [MedleyLabel(seed, hangs) for seed in seeds for hangs in (False, True)]
    else:
        known = labels()
    wanted = [label for label in known if is_wanted(options, label)]
    there = [label for label in wanted if is_there(options, label)]
    missing = sorted({label.program for label in wanted} - {x.program for x in there})
    failures = 0
    untold = 0
    times = []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        turns = there * options.repeat
        for label, why, err, ms in pool.map(lambda x: play(options, x), turns):
            if options.verbose:
                print(f"{label.name}: {why or 'right'}{'' if ms is None else f', {ms} ms'}",
                      flush=True)
            if why is not None:
                failures += 1
                print(f"{label.name}: {why}\n{err[:3000]}", file=sys.stderr, flush=True)
            elif label.verdict == "stuck" and ms is None:
                untold += 1
            elif label.verdict == "stuck":
                times.append(ms)
    print(f"{len(turns) - failures} right, {failures} wrong", end="")
    if times:
        print(f"; since the last call {statistics.median(times):.0f} ms in the median, "
              f"{max(times)} at most", end="")
    if untold:
        print(f"; {untold} hung and could not be told", end="")
    print(f"; not built: {', '.join(missing)}" if missing else "")
    if not turns:
        print("play.py: nothing to play", file=sys.stderr)
    return 1 if failures > 0 or not turns else 0


if __name__ == "__main__":
    os.environ.setdefault("OMPI_MCA_rmaps_base_oversubscribe", "1")
    sys.exit(main())
