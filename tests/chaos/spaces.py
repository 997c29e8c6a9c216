"""spaces - room for runs beside each other: namespaces, small disks, users, hosts

The harness moves into a mount namespace of its own (a user namespace too where it is
not root), so that what it mounts is gone when it ends, however it ends. In there each
run gets a /dev/shm and System V segments of its own. Users of their own and hosts of
their own take root.
"""
import atexit
import ctypes
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
MOVED = "CHAOS_MOVED"
USERS = 61000  # and up: who they are does not matter, as nobody else is
PR_SET_PDEATHSIG = 1
SIGKILL, SIGTERM = 9, 15


def move():
    """Begin this program again in a mount namespace of its own. Returns whether it is
    in one."""
    if MOVED in os.environ:
        return os.environ[MOVED] == "1"
    words = ["unshare", "--mount", "--propagation", "private"]
    if os.geteuid() != 0:
        words[1:1] = ["--user", "--map-root-user"]
    able = subprocess.run([*words, "mount", "-t", "tmpfs", "tmpfs", "/dev/shm"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          check=False).returncode == 0
    is_root = "1" if able and os.geteuid() == 0 else "0"
    os.environ.update({MOVED: "1" if able else "0", "CHAOS_ROOT": is_root})
    if able:
        os.execvp(words[0], [*words, sys.executable, *sys.argv])
    return False


def is_root():
    """Of the machine, and not only of a user namespace."""
    return os.environ.get("CHAOS_ROOT") == "1"


def why_no_hosts():
    """Why there can be no Hosts here; None where there can."""
    if not is_root():
        return "takes root"
    return None if shutil.which("ip") else "takes ip: apt-get install iproute2"


def alone_with_memory(uid):
    """Words to put before a command that is to have shared memory of its own; and a
    user, unless `uid` is None."""
    words = ["unshare", "--mount", "--ipc", "sh", "-c",
             "mount -t tmpfs -o mode=1777 tmpfs /dev/shm && exec \"$@\"", "sh"]
    if uid is not None:
        words += ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
    return words


def others_can_run(program):
    """Whether a user of a run's own could start it."""
    return subprocess.run(["setpriv", f"--reuid={USERS}", f"--regid={USERS}",
                           "--clear-groups", "test", "-x", program],
                          check=False).returncode == 0


def open_way(folder):
    """Let users of runs' own through to what is theirs in `folder`, until the end."""
    mode = os.stat(folder).st_mode & 0o7777
    if is_root() and not mode & 0o001:
        os.chmod(folder, mode | 0o001)
        atexit.register(os.chmod, folder, mode)


def mount(folder, size):
    os.makedirs(folder)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=1777", "tmpfs",
                    folder], check=True)


def unmount(folder):
    subprocess.run(["umount", "--lazy", folder], check=False)


def die_with_us():
    """In a child, before it is what it is to be."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGTERM)  # alone ends what it has started


class Hosts:
    """host1 and host2, as tests/cluster has them, in a network namespace of their own.
    The second one is what faults strike."""

    def __init__(self):
        script = os.path.join(HERE, "..", "cluster", "hold.sh")
        self.holder = subprocess.Popen(["unshare", "--net", script], text=True,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        words = self.holder.stdout.readline().split()
        if len(words) != 4:
            self.down()
            raise OSError("the hosts do not come up")
        self.dir, self.net, self.device, self.space = words

    def on_first(self, words):
        with open(os.path.join(self.dir, "host1.pid"), encoding="utf-8") as f:
            pid = f.read().strip()
        return ["nsenter", "--net", "--uts", "--mount", "--target", pid, *words]

    def environment(self):
        agent = os.path.join(self.dir, "agent")
        return {"TMPDIR": os.path.join(self.dir, "tmp"),
                "OMPI_MCA_plm_rsh_agent": agent, "HYDRA_LAUNCHER_EXEC": agent,
                "OMPI_MCA_btl_tcp_if_include": self.net,
                "OMPI_MCA_oob_tcp_if_include": self.net,
                "HYDRA_LAUNCHER": "rsh", "UCX_TLS": "tcp,self",
                "ROTA_SILENCE_MS": "3000"}

    def link(self, state):
        subprocess.run(["nsenter", "--net", "--target", str(self.holder.pid), "ip", "link",
                        "set", self.device, state], check=True)

    def pids(self):
        """Of all that runs on the second, but not of who holds it."""
        with open(os.path.join(self.dir, "host2.pid"), encoding="utf-8") as f:
            holder = int(f.read())
        found = subprocess.run(["ip", "netns", "pids", self.space], text=True,
                               stdout=subprocess.PIPE, check=True).stdout.split()
        spared = {holder} | {p for p in map(int, found) if parent_of(p) == holder}
        return [p for p in map(int, found) if p not in spared]

    def kill(self):
        for pid in self.pids():
            try:
                os.kill(pid, SIGKILL)
            except ProcessLookupError:
                pass

    def down(self):
        self.holder.stdin.close()
        self.holder.wait(60)
        self.holder.stdout.close()


def parent_of(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            return int(f.read().rpartition(")")[2].split()[1])
    except OSError:
        return 0
