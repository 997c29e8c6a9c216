#!/bin/bash
# run_stop.sh ROTA [OPTION...] - rota run asked to stop ends everything, and says so
# (that nothing is left is alone.c's to see)
set -eu
rota=$1
options=("${@:2}")
. "$(dirname "$0")/check.sh"

# Children in the command's group, one out of it, and none of them wants to go.
script="trap '' TERM INT; sleep 1000 & setsid sleep 1000 & : {} >'$TMPDIR/check.mark'
sleep 1000"

stop_with() { # SIGNAL STATUS
    begin "SIG$1"
    got=0
    rm -f "$TMPDIR/check.mark"
    seq 100 | "$rota" run "${options[@]}" "$script" >"$out" 2>"$err" &
    pid=$!
    until [ -e "$TMPDIR/check.mark" ]; do sleep 0.05; done
    kill -"$1" "$pid"
    wait "$pid" || got=$?
    [ "$got" -eq "$2" ] || failed "status $got instead of $2"
    says 'asked to stop; [0-9]+ tasks and the rest|asked to stop; 100 tasks'
    ! grep -q 'has left the run' "$err" || failed "takes its workers for lost"
}

stop_with INT 130
stop_with TERM 143
