#!/bin/sh
# guard.sh ROTA MPI_FAIL PROGRAMS PTY [PYTHON] - rota guard, as one would use it
#
# MPI_FAIL is mpi_fail.c built, PROGRAMS the folder with the notebook's two programs; PYTHON
# is one whose mpi4py is of the launcher's MPI.
set -eu
. "$(dirname "$0")/check.sh"
rota=$1
fail=$2
programs=$3
pty=$4
python=${5:-}

prints() { # PATTERN: on standard output
    grep -Eq -- "$1" "$out" || failed "does not print: $1"
}

# A worker leaves, in each way that there is: the master is told whom it waits for, where.
begin "a worker that leaves"
for how in exit kill; do
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
says '^rota: the time limit is over after [0-9.]+ s; nothing is known to hang$'
for limit in 2 6 20; do # a busy machine takes its time to begin
    run 3 "$rota" exec -n 4 --timeout $limit -- "$fail" sleep
    says 'time limit'
    ! grep -q MPI_Barrier "$err" || break
done
says '^  rank 1 runs outside of MPI, after MPI_Barrier, at mpi_fail.c:'

# The others may go on for a while.
begin 'a death, and the grace after it'
run 137 "$rota" exec -n 4 --grace 1 -- "$fail" slow-kill
says '^rota: rank 2 was killed by signal 9 \(SIGKILL\); the others are ended$'
says '^  rank 0 is in MPI_Recv at mpi_fail.c:[0-9]+, for a message from rank 1 with tag 0'

# What was reported is kept, and told again; in all forms, and with nothing lost.
begin 'a report that is kept'
run 3 "$rota" exec -n 4 --report "$TMPDIR/check.hang" -- "$fail" quit
cp "$err" "$TMPDIR/check.said"
says 'rank 2 has exited with status 1, without MPI_Finalize'
run 0 "$rota" report "$TMPDIR/check.hang"
cmp -s "$out" "$TMPDIR/check.said" || failed 'tells something else'
run 0 "$rota" report --json "$TMPDIR/check.hang"
cmp -s "$out" "$TMPDIR/check.hang" || failed 'has something else in JSON'
run 0 "$rota" report --verbose "$TMPDIR/check.hang"
prints '^    rank 2 on .*, process [0-9]+: exited with status 1, without MPI_Finalize'
run 0 "$rota" report --html "$TMPDIR/check.hang"
prints '<title>rank 0 waits for rank 2: MPI_Recv</title>'
run 0 "$rota" report --dot "$TMPDIR/check.hang"
prints '^  r0 -> r2 '
run 2 "$rota" report --csv "$TMPDIR/check.hang"
says 'which has no tasks'
run 2 "$rota" report --html "$fail"
says 'no report of rota guard'
echo '{"format":"rota-guard","version":1,"ranks":[{}]}' >"$TMPDIR/check.wrong"
run 2 "$rota" report "$TMPDIR/check.wrong"
says 'is missing or wrong'

# Whether or not anybody wants to hear it.
begin 'outputs that take nothing'
run 3 "$rota" guard -n 4 --report /no/such/x -- sh -c "exec '$fail' >/dev/full"
says "rank 0 waits for rank 2, which can't answer"
says "cannot write '/no/such/x': No such file"
got=0
"$rota" guard -n 4 -- "$fail" 2>/dev/full >"$out" || got=$?
[ $got -eq 3 ] || failed "status $got instead of 3"

begin 'what to do then'
run 3 "$rota" guard -n 4 --on-hang stacks -- "$fail"
says '^  stack of rank 0:$'
says '^    mpi_fail.c:[0-9]+$'
mkdir "$TMPDIR/check.cores"
run 3 env -C "$TMPDIR/check.cores" \
    "ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}disable_coredump=0" \
    "$rota" guard -n 4 --on-hang core -- "$fail"
if [ "$(cat /proc/sys/kernel/core_pattern)" = core ] && [ "$(ulimit -H -c)" != 0 ]; then
    [ "$(find "$TMPDIR/check.cores" -name 'core.[0-9]*' | wc -l)" -eq 4 ] ||
        failed 'not four core dumps'
fi
for limit in 2 6 20; do
    run 3 "$rota" guard -n 4 --on-hang report --timeout $limit -- "$fail"
    ! grep -q 'process .*: blocked in' "$err" || break
done
says 'process [0-9]+: blocked in MPI_Recv'
says 'the time limit is over, and the program is ended'

# Asked to stop, it stops; nobody is accused of anything.
begin 'a signal'
: >"$out" # or what the last run said is taken for this one's
: >"$err"
"$rota" guard -n 2 -- "$fail" sleep >"$out" 2>"$err" &
guard=$!
until grep -q 'Waiting for data' "$out"; do sleep 0.1; done
kill -TERM $guard
got=0
wait $guard || got=$?
[ $got -eq 143 ] || failed "status $got instead of 143"
silent
run 130 "$pty" --await 'Waiting for data' --type "$(printf '\003')" -- \
    "$rota" guard -n 4 -- "$fail" sleep
! grep -q '^rota' "$out" || failed 'somebody is accused'

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
# At their end by then, or on the way to it: the proof does not wait for them.
says '^  rank(s 1 and 3 are| [13] is) '
run 3 "$rota" guard -n 4 --json -- "$python" "$programs/mpi_fail.py"
"$python" -c '
import json, sys
told = json.load(sys.stdin)
assert told["verdict"] == "stuck" and told["proved"], told
assert told["stuck"] == [0], told' <"$err" ||
    failed 'the JSON says something else'

# Of what was printed nothing is lost, though nobody reads it for a while.
"$rota" guard -n 2 -- "$python" -c '
from mpi4py import MPI
for i in range(4000):
    print("rank", MPI.COMM_WORLD.rank, "line", i, "x" * 60)
print("END")
MPI.COMM_WORLD.recv(source=1 - MPI.COMM_WORLD.rank)' 2>"$err" | {
    sleep 1
    cat
} >"$out"
says 'ranks 0 and 1 wait for each other'
[ "$(tr -dc xD <"$out" | wc -c)" -eq 480002 ] || failed 'some is lost'

# The other one is left as it is: the same output, and nothing else.
run 0 "$rota" guard -n 4 -- "$python" "$programs/mpi_success.py"
silent
"$rota" exec -n 4 "$python" "$programs/mpi_success.py" | cmp - "$out" >&2 ||
    failed 'mpi_success.py says something else under the guard'
