#!/bin/bash
# run_stop.sh ROTA PTY [OPTION...] - rota run asked to stop: gently, then not; and it
# says so (that nothing is left is alone.c's to see)
set -eu
rota=$1
pty=$2
options=("${@:3}")
. "$(dirname "$0")/check.sh"
export TERM=xterm

# Children in the command's group, one out of it, and none of them wants to go.
script="trap '' TERM INT HUP; sleep 1000 & setsid sleep 1000 & : {} >'$TMPDIR/check.mark'
sleep 1000"

run_in_back() { # COMMAND
    rm -f "$TMPDIR/check.mark"
    seq 100 | "$rota" run --joblog "$TMPDIR/check.log" "${options[@]}" "$1" \
        >"$out" 2>"$err" &
    pid=$!
    until [ -e "$TMPDIR/check.mark" ]; do sleep 0.05; done
}

finish_with() { # STATUS
    got=0
    wait "$pid" || got=$?
    [ "$got" -eq "$1" ] || failed "status $got instead of $1"
    ! grep -q 'has left the run' "$err" || failed "takes its workers for lost"
}

begin "Ctrl-C, and again"
run 130 "$pty" --await ' running' --type $'\003' --await 'Ctrl-C again' --type $'\003' \
    -- "$rota" run --progress "${options[@]}" "$script" ::: $(seq 100)
grep -q 'asked to stop; 100 tasks left undone' "$out" || failed "does not say so"

begin "SIGTERM"
run_in_back "$script"
kill -TERM "$pid"
finish_with 143
says 'asked to stop; [0-9]+ tasks and the rest|asked to stop; 100 tasks'

begin "SIGHUP: no more are begun, and what runs ends well"
run_in_back "echo {} >>'$TMPDIR/check.begun'; : >'$TMPDIR/check.mark'
    until [ -e '$TMPDIR/check.go' ]; do sleep 0.02; done; echo {}"
kill -HUP "$pid"
until grep -q 'no more tasks are begun, and the [12] that' "$err"; do sleep 0.02; done
: >"$TMPDIR/check.go"
finish_with 129
sort "$out" | cmp -s - <(sort "$TMPDIR/check.begun") || failed "what began did not end"
# What waits at a worker may begin before it hears of it: one for each slot.
[ "$(wc -l <"$out")" -le 4 ] || failed "more were begun"
[ "$(grep -c '	0	0	echo' "$TMPDIR/check.log")" -eq "$(wc -l <"$out")" ] ||
    failed "the joblog is not whole"
