# hosts.sh - for scripts of this folder to read: two hosts on this machine
#
# Each host is a network namespace with an address of its own on a bridge, and processes
# with a host name, /dev/shm and temporary folder of their own. Takes root.
#
#     hosts_up             make host1 and host2; $dir is a folder for everything
#     on HOST COMMAND...   run a command there
#     crash HOST NUMBER    cut host NUMBER off, and kill all that runs there
#     await_file FILE      wait until it is there
#     hosts_down           end all that runs there, and leave nothing
#
# `begin`, `run`, `same`, `says` and `failed` are those of system/check.sh.
[ "$(id -u)" -eq 0 ] || {
    echo "$0: makes network namespaces, which takes root" >&2
    exit 77
}
dir=$(mktemp -d "${ROOM:-/tmp}/rota-cluster.XXXXXX")
chmod 755 "$dir"
export TMPDIR=$dir/tmp
mkdir "$TMPDIR"
tag=$$
net=10.213.7
bridge=rota$tag

host_space() { # HOST: its network namespace
    echo "rota-$tag-$1"
}

host_up() { # HOST NUMBER
    space=$(host_space "$1")
    ip netns add "$space"
    ip link add "r$tag-$2" type veth peer name eth0 netns "$space"
    ip link set "r$tag-$2" master "$bridge" up
    ip -n "$space" link set lo up
    ip -n "$space" addr add "$net.1$2/24" dev eth0
    ip -n "$space" link set eth0 up
    # A process holds the host's other namespaces, and is what others enter. It ends
    # itself when the folder has gone.
    nsenter --net="/run/netns/$space" unshare -u -m sh -c "
        hostname $1
        mount --make-rprivate /
        mount -t tmpfs tmpfs /dev/shm
        mount -t tmpfs tmpfs '$TMPDIR'
        mount --bind '$dir/hosts' /etc/hosts
        chmod 1777 /dev/shm '$TMPDIR'
        echo \$\$ >'$dir/$1.pid'
        while [ -d '$dir' ]; do sleep 1; done" </dev/null >/dev/null 2>&1 &
    for _ in $(seq 600); do
        [ -s "$dir/$1.pid" ] && return 0
        sleep 0.05
    done
    echo "$0: $1 did not come up" >&2
    exit 1
}

hosts_up() {
    trap hosts_down EXIT
    trap 'exit 130' INT TERM
    ip link add "$bridge" type bridge
    ip addr add "$net.1/24" dev "$bridge"
    ip link set "$bridge" up
    printf '%s\n' '127.0.0.1 localhost' "$net.1 $(hostname)" "$net.11 host1" \
        "$net.12 host2" >"$dir/hosts"
    host_up host1 1
    host_up host2 2
    # An agent like ssh: options, the host's name, and words for a shell.
    cat >"$dir/agent" <<END
#!/bin/sh
while case \$1 in -*) true ;; *) false ;; esac; do shift; done
host=\$1
shift
exec nsenter --net --uts --mount --target "\$(cat "$dir/\$host.pid")" sh -c "\$*"
END
    chmod +x "$dir/agent"
}

on() { # HOST COMMAND...
    host=$1
    shift
    nsenter --net --uts --mount --target "$(cat "$dir/$host.pid")" "$@"
}

# The host is cut off, and all that runs there dies.
crash() { # HOST NUMBER
    ip link set "r$tag-$2" down
    # Who has just ended by itself is no failure.
    # shellcheck disable=SC2046
    kill -9 $(ip netns pids "$(host_space "$1")") 2>/dev/null || true
}

# Wait until a file is there; for a minute at most.
await_file() {
    for _ in $(seq 1200); do
        [ ! -e "$1" ] || return 0
        sleep 0.05
    done
    failed "does not come to $1"
}

hosts_down() {
    status=$?
    trap '' INT TERM
    trap - EXIT
    for pid in $(jobs -p); do
        kill -9 "$pid" 2>/dev/null || true
    done
    for host in host1 host2; do
        space=$(host_space $host)
        pids=$(ip netns pids "$space" 2>/dev/null) || pids=
        # shellcheck disable=SC2086
        [ -z "$pids" ] || kill -9 $pids 2>/dev/null || true
    done
    wait 2>/dev/null || true
    for host in host1 host2; do
        ip netns del "$(host_space $host)" 2>/dev/null || true
    done
    ip link del "$bridge" 2>/dev/null || true
    rm -rf "$dir"
    exit "$status"
}
