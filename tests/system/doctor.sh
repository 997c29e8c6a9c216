#!/bin/sh
# doctor.sh ROTA - rota doctor: what it tries holds here, and what can't hold is named
set -eu
rota=$1
. "$(dirname "$0")/check.sh"
cd "$TMPDIR"

begin "all holds here"
run 0 "$rota" doctor
for what in 'run file    ok' 'launcher    ok' 'start       ok  4 of 4' 'end         ok' \
    'survivors   ok  rank 3 was killed by signal 9 .*2 of 2 others'; do
    grep -q "^$what" "$out" || failed "no line '$what'"
done
[ -z "$(ls -A | grep -v '^check\.')" ] || failed "it left something behind"

begin "what does not hold"
run 1 "$rota" doctor --mpiexec /bin/true --folder /proc
grep -q '^run file    NO  cannot make a file in ./proc.: ' "$out" || failed "no folder"
grep -q '^start       NO  no ranks met, and the launcher ended with status 0' "$out" ||
    failed "no start"
run 1 "$rota" doctor --mpiexec ./none
grep -q "^launcher    NO  cannot use the launcher './none'" "$out" || failed "no launcher"

begin "wrong words"
run 2 "$rota" doctor -n 5
run 2 "$rota" doctor here
