#!/bin/sh
# shared_memory.sh PROGRAM [tsan] - threads give what success gives; with tsan also:
# ThreadSanitizer reports the race that --race plants, and none without it
set -eu
out=$TMPDIR/threads.out
err=$TMPDIR/threads.err
"$1" 9 >"$out"
sed -e 's/^Process \([0-9]*\)/Thread \1 /' -e 's/processes/threads/' \
    "$(dirname "$0")/golden/success-10.txt" | diff - "$out"
if [ "${2-}" = tsan ]; then
    "$1" --race 9 >"$out" 2>"$err" && { echo "no race was reported" >&2; exit 1; }
    grep -q 'ThreadSanitizer: data race' "$err" || { cat "$err" >&2; exit 1; }
fi
rm -f "$out" "$err"
