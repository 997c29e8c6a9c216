#!/bin/sh
# run_output.sh ROTA [OPTION...] - rota run: what commands write comes whole, or it is
# said that it could not be written. Options are put behind `run`.
set -eu
rota=$1
shift
. "$(dirname "$0")/check.sh"

begin "outputs do not mix"
run 0 "$rota" run "$@" 'for i in 1 2 3 4 5 6; do echo {} $i; sleep 0.01; done' ::: \
    a b c d e f
[ "$(uniq -c -w1 "$out" | awk '$1 != 6' | wc -l)" -eq 0 ] || failed "they mix"
[ "$(wc -l <"$out")" -eq 36 ] || failed "lines are missing"

begin "every byte comes"
head -c 3000000 /dev/urandom >"$TMPDIR/check.bytes"
run 0 "$rota" run "$@" cat ::: "$TMPDIR/check.bytes"
cmp "$out" "$TMPDIR/check.bytes" || failed "not the same bytes"
run 0 "$rota" run "$@" 'cat {} >&2' ::: "$TMPDIR/check.bytes"
cmp "$err" "$TMPDIR/check.bytes" || failed "not the same bytes on standard error"

begin "a long list, read as it comes"
seq 5000 >"$TMPDIR/check.list"
run 0 sh -c "'$rota' run $* echo <'$TMPDIR/check.list'"
sort -n "$out" | cmp -s - "$TMPDIR/check.list" || failed "not every line, once"
silent

seq 300 >"$TMPDIR/check.300"

begin "a list that comes slowly, run as it comes"
run 0 sh -c "{ echo a; until [ -e '$TMPDIR/check.a' ]; do sleep 0.02; done; echo b; } |
    '$rota' run $* 'touch $TMPDIR/check.{}; echo {}'"
same "$out" 'a\nb\n'

begin "nothing waits behind a long command, or is begun twice"
run 0 "$rota" run "$@" -j 2 "echo {} >>'$TMPDIR/check.begun'
    test {} -ne 50 || sleep 3; echo {}" ::: $(seq 300)
[ "$(tail -n 1 "$out")" -eq 50 ] || failed "something waited for task 50"
sort -n "$TMPDIR/check.begun" | cmp -s - "$TMPDIR/check.300" || failed "not each once"

begin "a list without an end, and a reader who has seen enough"
got=$( (yes x | "$rota" run "$@" echo 2>"$err" || echo $? >"$TMPDIR/check.status") | head -1)
[ "$got" = x ] || failed "the first line is '$got'"
[ "$(cat "$TMPDIR/check.status")" -eq 3 ] || failed "status $(cat "$TMPDIR/check.status")"
says 'cannot write .*: Broken pipe'

begin "a full disk"
run 3 sh -c "'$rota' run $* echo >/dev/full ::: a b"
says 'cannot write .*: No space left on device'
run 3 sh -c "'$rota' run $* echo >&- ::: a b"
