#!/bin/sh
# run_control.sh ROTA [OPTION...] - rota run: when it begins commands, and gives up
set -eu
rota=$1
shift
. "$(dirname "$0")/check.sh"
cd "$TMPDIR"

begin "enough have failed: nothing more is begun, what runs ends"
run 1 "$rota" run "$@" -j 2 --halt soon,fail=1 --joblog check.log \
    'touch check.{}; until [ -e check.2 ]; do sleep 0.02; done; test {} -gt 1 || exit 5
    until [ -e check.log ] && grep -q "exit 5" check.log; do sleep 0.02; done
    echo {}' ::: 1 2 3 4
same "$out" '2\n'
[ ! -e check.3 ] || failed "one more was begun"
says 'halted, as --halt says: no more tasks are begun, and the 1 that runs may end'
says 'halted, as --halt says; 2 tasks left undone'
[ "$(wc -l <check.log)" -eq 3 ] || failed "the joblog is not whole"

begin "a time limit by what the others take"
run 1 "$rota" run "$@" -j 2 --timeout 3000% 'sleep {}' ::: 0.02 0.02 0.02 1000
says 'task 4 ran out of time, and was ended: '
says '4 tasks: 3 succeeded, 1 failed'

begin "time between commands"
run 0 "$rota" run "$@" -j 4 --delay 0.2s 'date +%s%N #{}' ::: a b c d e
sort -n "$out" | awk '{ t[NR] = $1 } END { exit NR != 5 || t[5] - t[1] < 400000000 }' ||
    failed "they come too fast" # were the machine slow with the first, it is less than 0.8

begin "room"
"$rota" run "$@" --memfree 1000P 'touch check.begun' ::: a >"$out" 2>"$err" &
until grep -q 'no command can begin for now' "$err"; do sleep 0.02; done
kill -INT $!
got=0
wait $! || got=$?
[ "$got" -eq 130 ] || failed "status $got instead of 130"
[ ! -e check.begun ] || failed "it was begun without room"

[ "$#" -eq 0 ] || exit 0 # what follows is the same with ranks

begin "room enough"
run 0 "$rota" run --memfree 1k --load 100000 --noswap echo ::: a
same "$out" 'a\n'

begin "a percentage is of the whole list"
seq 20 >check.list
run 0 "$rota" run -j 2 --halt now,done=25% echo <check.list
[ "$(wc -l <"$out")" -eq 5 ] || failed "not 5 of 20"
says 'halted, as --halt says; 15 tasks left undone'

begin "words that are none"
for words in '--halt now,fail' '--halt later,done=1' '--timeout x' '--timeout -1' \
    '--delay auto' '--memfree 1Q' '--load x'; do
    # shellcheck disable=SC2086
    run 2 "$rota" run $words echo ::: a
    says "rota run: ${words% *} '.*': "
done
