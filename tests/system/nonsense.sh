#!/bin/sh
# nonsense.sh ROTA PRELOAD - ranks of a run that is sound lose their minds, and one also
# its ears: each is named with what was wrong, cut off and ended; the rest does it all.
#
# Two in a run: a task that takes three workers along is given up, and nobody knows which
# task a rank has when it goes mad.
set -eu
rota=$1
preload=$2
dir=$(mktemp -d)
trap 'rm -r "$dir"' EXIT
cd "$dir"
seq 60 >want

fail() {
    echo "nonsense: $*" >&2
    cat err >&2
    exit 1
}
runs_with() { # RANKS
    status=0
    NONSENSE=$1 ROTA_SILENCE_MS=4000 LD_PRELOAD=$preload "$rota" run -n 10 -j 1 \
        'sleep 0.05; echo {}' <want >out 2>err || status=$?
    [ "$status" -eq 0 ] || fail "exit status $status"
    sort -n out | cmp -s - want || fail "not each result once: $(cat out)"
    grep -q '60 tasks: 60 succeeded, 0 failed; 2 workers lost' err || fail "no such summary"
}
says() { # RANK WHAT
    grep -Eq "rank $1 $2, and was cut off; (. task|it ran no task)" err ||
        fail "rank $1 did not: $2"
}
gives_up() { # RANK
    grep -q "rank $1 cannot go on working: .*malformed" err ||
        fail "rank $1 does not say why it ends"
}

runs_with 12
says 1 "sent a message of 5 bytes, which is too short for one"
says 2 "sent a message of kind 99, which there is none of"

runs_with 34
says 3 "sent results of 4294967295 tasks, from number [0-9]* on, that can't be read"
says 4 "sent a malformed frame"

runs_with 56
says 5 "sent a malformed frame"
says 6 "sent results of 1 tasks, from number [0-9]* on, that can't be read"

runs_with 78
grep -Eq 'rank 7 (exited with status 3|has left the run); (. task|it ran no task)' err ||
    fail "rank 7 goes on"
says 8 "sent a malformed frame"
gives_up 7
gives_up 8
