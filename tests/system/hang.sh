#!/bin/sh
# hang.sh PROOF_OF_HANG - plain MPI hangs at worker 2, and the proof says so
set -eu
out=$TMPDIR/hang.out
"$1" --seconds 2 >"$out"
for line in 'Limit: 2 seconds before force-kill...' \
    'Master: Waiting for data from Worker 2...' '[SUCCESS] PROOF OF HANG:' \
    'The system froze waiting for Process 2.'; do
    grep -qxF "$line" "$out" || { echo "hang.sh: missing: $line" >&2; cat "$out" >&2; exit 1; }
done
if grep -q 'Operation Complete' "$out"; then
    echo "hang.sh: it did not hang" >&2
    exit 1
fi
rm -f "$out"
