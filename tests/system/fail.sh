#!/bin/sh
# fail.sh PROGRAM WAY... -- LAUNCHER... - fail tells how worker 2 went, and ends
#
# WAY: exit, kill, segv, stop or finalize, each at 4 ranks; the first one also at 1, 2
# and 3. In golden/ the line of worker 2 has @FATE@ where the text of its fate is.
# Worker 2's own line (DEBUG) may come anywhere, even in the middle of another, and its
# line's end apart from it, since launchers mix what different ranks print: it is looked
# for and taken out, and the rest is compared without its lines' ends.
set -u
program=$1
shift
ways=
while [ "$1" != -- ]; do
    ways="$ways $1"
    shift
done
shift
golden=$(dirname "$0")/golden
raw=$TMPDIR/fail.raw
out=$TMPDIR/fail.out
debug='DEBUG: Worker 2 has encountered a fatal error and is exiting...'

# A rank that is in MPI_Finalize has left; whether its process ends while the others
# go on is up to the MPI.
fates() { # WAY: the texts that are right, one a line
    case $1 in
    exit) echo 'exited with status 1' ;;
    kill) echo 'was killed by signal 9 (SIGKILL)' ;;
    segv) echo 'was killed by signal 11 (SIGSEGV)' ;;
    stop) echo 'stayed frozen by signal 19 (SIGSTOP) and was ended' ;;
    finalize) printf '%s\n' 'exited with status 1' 'has left the run' ;;
    esac
}

flat() { # FILE: without lines' ends, and without worker 2's own line
    tr -d '\n' <"$1" | sed "s/$debug//"
}

matches() { # RANKS WAY: $raw is the golden output with one of the way's fates
    flat "$raw" >"$out"
    fates "$2" | {
        while IFS= read -r fate; do
            flat "$golden/fail-$1.txt" | sed "s/@FATE@/$fate/" | cmp -s - "$out" && exit 0
        done
        exit 1
    }
}

check() { # RANKS WAY COMMAND...
    ranks=$1
    way=$2
    shift 2
    expected=$((ranks > 2))
    "$@" "$way" >"$raw"
    status=$?
    [ $status -eq $expected ] ||
        { echo "fail.sh: $way at $ranks ranks: status $status, not $expected" >&2; return 1; }
    [ "$(grep -c "$debug" "$raw")" -eq $expected ] ||
        { echo "fail.sh: $way at $ranks ranks: worker 2 did not speak" >&2; return 1; }
    matches "$ranks" "$way" ||
        { echo "fail.sh: $way at $ranks ranks: another output:" >&2; cat "$raw" >&2; return 1; }
}

failed=0
first=$(echo $ways | cut -d' ' -f1)
for n in 1 2 3; do
    check $n "$first" "$@" -n $n "$program" || failed=1
done
for way in $ways; do
    check 4 "$way" "$@" -n 4 "$program" || failed=1
done
rm -f "$raw" "$out"
exit $failed
