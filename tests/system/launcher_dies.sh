#!/bin/sh
# launcher_dies.sh LAUNCHER MESSAGES - a launcher that is killed takes its ranks along
#
# SIGKILL leaves the launcher no time to end anybody: the parents see that it has gone,
# and leave nothing (which is for `alone` to see). A polite SIGTERM does no worse.
set -u
launcher=$1
messages=$2
out=$TMPDIR/out

for signal in KILL TERM; do
    "$launcher" -n 3 "$messages" idle >"$out" &
    started=$!
    until grep -q idle "$out"; do
        kill -0 $started || exit 1
        sleep 0.05
    done
    kill -$signal $started
    wait $started
    # The ranks are not our children: what is left of them after a while, is left.
    for i in 1 2 3 4 5 6 7 8 9 10; do
        pgrep -f "$messages idle" >"$out" || break
        sleep 0.5
    done
    if pgrep -af "$messages idle" >&2; then
        echo "launcher_dies.sh: left after SIG$signal" >&2
        exit 1
    fi
done
# Open MPI's launcher keeps its own notes there; killed, it leaves them.
rm -rf "$out" "$TMPDIR"/ompi.*
