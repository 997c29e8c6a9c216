#!/bin/sh
# nonsense.sh ROTA PRELOAD - ranks of a run that is sound lose their minds, and one also
# its ears: each is named with what was wrong, cut off and ended; the rest does it all.
set -eu
rota=$1
preload=$2
dir=$(mktemp -d)
trap 'rm -r "$dir"' EXIT
cd "$dir"

status=0
seq 60 | ROTA_SILENCE_MS=4000 LD_PRELOAD=$preload "$rota" run -n 10 -j 1 \
    'sleep 0.05; echo {}' >out 2>err || status=$?
fail() {
    echo "nonsense: $*" >&2
    cat err >&2
    exit 1
}
[ "$status" -eq 0 ] || fail "exit status $status"
sort -n out | cmp -s - "$(seq 60 >want && echo want)" || fail "not each result once: $(cat out)"
says() { # RANK WHAT
    grep -Eq "rank $1 $2, and was cut off; (. task|it ran no task)" err ||
        fail "rank $1 did not: $2"
}
says 1 "sent a message of 5 bytes, which is too short for one"
says 2 "sent a message of kind 99, which there is none of"
says 3 "sent results of 4294967295 tasks, from number [0-9]* on, that can't be read"
says 4 "sent a malformed frame"
says 5 "sent a malformed frame"
says 6 "sent results of 1 tasks, from number [0-9]* on, that can't be read"
says 8 "sent a malformed frame"
grep -Eq 'rank 7 (exited with status 3|has left the run); (. task|it ran no task)' err ||
    fail "rank 7 goes on"
for rank in 7 8; do
    grep -q "rank $rank cannot go on working: .*malformed" err ||
        fail "rank $rank does not say why it ends"
done
grep -q '60 tasks: 60 succeeded, 0 failed; 8 workers lost' err || fail "no such summary"
