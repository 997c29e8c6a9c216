#!/bin/sh
# guard.sh ROTA MPI_FAIL PROGRAMS [PYTHON] - rota guard, as one would use it
#
# MPI_FAIL is mpi_fail.c built, PROGRAMS the folder with the notebook's two programs; PYTHON
# is one whose mpi4py is of the launcher's MPI.
set -eu
. "$(dirname "$0")/check.sh"
rota=$1
fail=$2
programs=$3
python=${4:-}

prints() { # PATTERN: on standard output
    grep -Eq -- "$1" "$out" || failed "does not print: $1"
}

# A worker leaves, in each way that there is: the master is told whom it waits for, where.
begin "a worker that leaves"
for how in exit quit kill; do
    run 3 "$rota" guard -n 4 -- "$fail" $how
    says "rank 0 waits for rank 2, which can't answer"
    says 'MPI_Recv at mpi_fail.c:'
    prints 'Waiting for data from Worker 2'
done
says 'killed by signal 9'

# One that leaves by itself takes its status along; what is no MPI program is let be.
begin 'other programs'
run 7 "$rota" guard -n 2 -- sh -c 'exit 7'
echo words | "$rota" guard -n 1 -- cat >"$out" 2>"$err"
prints '^words$'
silent
run 127 "$rota" guard -n 1 -- ./no-such-program
says "cannot start './no-such-program': No such file"

# Its time is over, and it is said where it is.
begin 'a time limit'
run 3 "$rota" guard -n 2 --timeout 0.5 -- sleep 60
says 'time limit'

# Asked to stop, it stops; nobody is accused of anything.
begin 'a signal'
"$rota" guard -n 2 -- "$fail" sleep >"$out" 2>"$err" &
guard=$!
until grep -q 'Waiting for data' "$out"; do sleep 0.1; done
kill -TERM $guard
got=0
wait $guard || got=$?
[ $got -eq 143 ] || failed "status $got instead of 143"
silent

begin 'wrong words'
run 2 "$rota" guard -n 2
run 2 "$rota" guard --on-hang dance -- true
run 2 "$rota" guard --grace -3 -- true

begin "the notebook's programs"
[ -n "$python" ] || exit 0
run 3 "$rota" guard -n 4 -- "$python" "$programs/mpi_fail.py"
says "rank 0 waits for rank 2, which can't answer"
says 'mpi_fail.py:19'
prints 'Waiting for data from Worker 2'
run 3 "$rota" guard -n 4 --json -- "$python" "$programs/mpi_fail.py"
"$python" -c '
import json, sys
told = json.load(sys.stdin)
assert told["verdict"] == "stuck" and told["proved"], told
assert told["stuck"] == [0], told' <"$err" ||
    failed 'the JSON says something else'

# The other one is left as it is: the same output, and nothing else.
run 0 "$rota" guard -n 4 -- "$python" "$programs/mpi_success.py"
silent
"$rota" exec -n 4 "$python" "$programs/mpi_success.py" | cmp - "$out" >&2 ||
    failed 'mpi_success.py says something else under the guard'
