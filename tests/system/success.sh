#!/bin/sh
# success.sh PROGRAM [LAUNCHER...] - success prints what the notebook's program prints
#
# LAUNCHER is what `-n N PROGRAM` follows; without one the program is started by its
# name alone. golden/ holds the notebook's own output at each number of ranks.
set -u
program=$1
shift
golden=$(dirname "$0")/golden
out=$TMPDIR/success.out

check() { # RANKS COMMAND...: the command prints the golden output of that many ranks
    ranks=$1
    shift
    "$@" >"$out" || { echo "success.sh: status $? at $ranks ranks: $*" >&2; return 1; }
    diff "$golden/success-$ranks.txt" "$out" >&2 ||
        { echo "success.sh: another output at $ranks ranks: $*" >&2; return 1; }
}

failed=0
if [ $# -eq 0 ]; then
    check 1 "$program" || failed=1
else
    for n in 1 2 3 10 17; do
        check $n "$@" -n $n "$program" || failed=1
    done
fi
rm -f "$out"
exit $failed
