"""processes - who belongs to a run, and what part each plays in it

The part is told by where a process stands in the run's tree. What a person started is
the keeper: it has one child, which is the whole run (the manager), or with a launcher the
front. Below the front is the launcher; below that the parents of ranks, or the launcher's
daemons; ranks are below their parents, and what runs tasks is below the ranks. rota exec
is a front without a keeper.
"""
import collections
import os

DAEMONS = ("orted", "hydra_pmi_proxy")
RANKS = ("run-rank", "squares_farm")
SERVANTS = ("squares_farm",)  # what a rank of such a program forks is of that name too


class Process:
    def __init__(self, pid):
        self.pid = pid
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            fields = f.read().rpartition(")")[2].split()
        self.state, self.parent = fields[0], int(fields[1])
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            self.words = f.read().decode(errors="replace").split("\0")[:-1]

    def names(self):
        return [os.path.basename(word) for word in self.words[:2]]

    def is_rank(self):
        return any(name in RANKS for name in self.names())

    def rank(self):
        try:
            with open(f"/proc/{self.pid}/environ", "rb") as f:
                for word in f.read().decode(errors="replace").split("\0"):
                    name, _, value = word.partition("=")
                    if name in ("OMPI_COMM_WORLD_RANK", "PMI_RANK"):
                        return int(value)
        except (OSError, ValueError):
            pass
        return None


def snapshot():
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                found[int(name)] = Process(int(name))
            except OSError:
                pass  # it has just ended
    return found


def below(top):
    """Everyone that descends from `top`, each with those between, the nearest first."""
    children = collections.defaultdict(list)
    for p in snapshot().values():
        children[p.parent].append(p)
    line = [(p, []) for p in children[top]]
    while line:
        p, above = line.pop(0)
        yield p, above
        line += [(c, [p] + above) for c in children[p.pid]]


def child_of(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as f:
            children = f.read().split()
        return int(children[0]) if children else None
    except OSError:
        return None


def part(p, above, launched):
    """What `p` is, which stands below what was started with `above` between them."""
    ranks_above = sum(a.is_rank() for a in above)
    if p.is_rank() and (ranks_above < 2 or p.names()[0] in SERVANTS):
        manager = "manager" if p.rank() == 0 else "worker"
        return [f"{manager}'s parent", manager, "nursery", "child"][min(ranks_above, 3)]
    if ranks_above > 0:
        return "task"
    if not launched:
        return "task" if above else "manager"
    if is_named(p, DAEMONS):
        return "daemon"
    if all(is_named(a, ["rota"]) for a in above):
        return "front" if is_named(p, ["rota"]) else "launcher"
    return "agent"


def is_named(p, names):
    return bool(p.words) and p.names()[0] in names


def parts(top, launched):
    """The ids of the living processes of the run that `top` leads, by part."""
    found = collections.defaultdict(list)
    for p, above in below(top):
        if p.state != "Z":
            found[part(p, above, launched)].append(p.pid)
    if launched and not found["front"]:
        found["front"].append(top)
    elif os.path.exists(f"/proc/{top}"):
        found["keeper"].append(top)
    return found


def status_kib(pid, name):
    """A size that /proc/PID/status has."""
    with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as f:
        for line in f:
            word, _, value = line.partition(":")
            if word == name:
                return int(value.split()[0])
    raise OSError(f"no {name}")


def threads_of_user(uid):
    """How many threads a user has: what RLIMIT_NPROC counts."""
    count = 0
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and os.stat(f"/proc/{name}").st_uid == uid:
                count += len(os.listdir(f"/proc/{name}/task"))
        except OSError:
            pass  # it has just ended
    return count
