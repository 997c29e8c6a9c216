#!/bin/sh
# start_hangs.sh LAUNCHER MESSAGES - MPI that does not begin is given up, and told
#
# One of two ranks never comes to MPI_Init, which knows no limit: the other one's parent
# does.
set -u
launcher=$1
messages=$2
export ROTA_JOIN_MS=150

"$launcher" -n 2 sh -c '[ "${PMIX_RANK:-$PMI_RANK}" = 0 ] || exec sleep 40; exec "$1" order' \
    sh "$messages" 2>"$TMPDIR/err"
status=$?
[ "$status" -ne 0 ] || echo "start_hangs.sh: status 0" >&2
grep -q '^rota: MPI did not begin within 1 s, and was ended' "$TMPDIR/err" || {
    cat "$TMPDIR/err"
    echo "start_hangs.sh: it is not told" >&2
    status=0
}
rm -rf "$TMPDIR/err" "$TMPDIR"/ompi.*
[ "$status" -ne 0 ]
