# alone.sh - for scripts of this folder to read first: begin again, alone on the machine
#
# The script runs on in namespaces of its own: for processes, the network, mounts, shared
# memory and the host's name, which is `login`. All that it makes, it makes in there, so
# that any number of them run side by side, and the kernel takes it all away when the
# script ends, however it ends, by SIGKILL too. Takes root.
#
# $ROOM is a folder for what it makes, in memory.
[ "$(id -u)" -eq 0 ] || {
    echo "$0: makes namespaces, which takes root" >&2
    exit 77
}
if [ $$ -ne 1 ] || [ "${ROOM:-}" != /run ]; then
    # unshare itself is deaf to SIGTERM, and a death is passed on to whom it has started.
    setpriv --pdeathsig KILL unshare --pid --net --mount --ipc --uts --mount-proc \
        --propagation private --fork --kill-child env ROOM=/run sh "$0" "$@" &
    inner=$!
    trap 'kill -KILL $inner; exit 130' INT
    trap 'kill -KILL $inner; exit 143' TERM HUP
    status=0
    wait $inner || status=$?
    exit $status
fi
mount -t tmpfs -o mode=755 tmpfs "$ROOM"
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
hostname login
ip link set lo up
