#!/bin/sh
# run_ranks.sh ROTA - rota run -n N: workers die, tasks do not
#
# A command's parent is the worker that runs it, so a command can kill its worker.
set -eu
rota=$1
. "$(dirname "$0")/check.sh"
cd "$TMPDIR"

begin "ranks work as this machine does"
run 1 "$rota" run -n 3 'echo {}; exit {}' ::: 0 0 5
says "task 3 exited with status 5: "
[ "$(sort "$out" | tr -d '\n')" = 005 ] || failed "outputs are missing"
run 0 "$rota" run -n 1 -j 2 echo ::: a
same "$out" 'a\n'
run 0 "$rota" run -n 3 "printf '%s\n'" ::: : -n '--' '=' 'a b' ''
[ "$(sort "$out" | tr '\n' ,)" = ',--,-n,:,=,a b,' ] || failed "words were lost"

begin "commands do not take themselves for ranks"
run 0 "$rota" run -n 2 'env | grep -E "^(PMI|OMPI_COMM|ROTA_RANK)" || echo {}' ::: none
same "$out" 'none\n'

begin "commands have the environment that the user had"
env | cut -d = -f 1 | sort >check.names
run 0 "$rota" run -n 2 'env | cut -d = -f 1 # {}' ::: one
grep -E '^(UCX|ROTA)_' "$out" | grep -vxF -f check.names && failed "settings of our own"
UCX_LOG_LEVEL=error run 0 "$rota" run -n 2 'echo $UCX_LOG_LEVEL # {}' ::: one
same "$out" 'error\n'

begin "a worker dies, its task runs elsewhere"
seq 60 >check.list
run 0 "$rota" run -n 4 -j 2 \
    'test {} -ne 20 || ! mkdir check.once || kill -9 $PPID; sleep 0.01; echo {}' \
    <check.list
sort -n "$out" | cmp -s - check.list || failed "not every task, once"
says 'rank [123] was killed by signal 9 \(SIGKILL\); [12] tasks? that it ran will run'
says '60 tasks: 60 succeeded, 0 failed; 1 worker lost, [12] tasks? run again'

begin "a task that takes every worker with it is given up"
run 1 "$rota" run -n 5 'test {} -ne 3 || kill -9 $PPID; echo {}' ::: 1 2 3 4 5 6
says 'task 3 was given up, as it took 3 workers along: '
says '6 tasks: 5 succeeded, 1 failed; 3 workers lost'

begin "no worker is left"
run 3 "$rota" run -n 3 'kill -9 $PPID' ::: a b c d
says 'no worker is left; 4 tasks left undone'

begin "a worker is frozen, its task runs elsewhere"
run_in_back() {
    "$rota" run "$@" >"$out" 2>"$err" &
    farm=$!
}
finish_with() { # STATUS
    got=0
    wait "$farm" || got=$?
    [ "$got" -eq "$1" ] || failed "status $got instead of $1"
}
export ROTA_FREEZE_MS=1000
run_in_back -n 3 '>check.begun.{}; until [ -e check.go ]; do sleep 0.02; done; echo {}' \
    ::: $(seq 20)
until [ "$(ls -d check.begun.* 2>/dev/null | wc -l)" -eq 2 ]; do sleep 0.05; done
kill -STOP "$(rank_process 2)"
>check.go
finish_with 0
says 'rank 2 stayed frozen by signal 19 \(SIGSTOP\) and was ended; 1 task that it ran'
seq 20 >check.list
sort -n "$out" | cmp -s - check.list || failed "not every task, once"

begin "the manager dies"
run_in_back -n 3 'echo {}; sleep 1000' ::: a b
kill -KILL "$(rank_process 0)"
finish_with 3
says 'the run could not be completed: '
