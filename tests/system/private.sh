#!/bin/bash
# private.sh ROTA PRELOAD PROGRAM - what is to be nobody else's: outputs, whose files only
# their owner can read, whatever the umask; and the secret of the line, which stands in no
# command line, no task's environment and no output.
set -eu
rota=$1
preload=$2
program=$3
umask 000
: "${TMPDIR:=/tmp}"
dir=$(mktemp -d)
trap 'rm -r "$dir"' EXIT
cd "$dir"

fail() {
    echo "private: $*" >&2
    exit 1
}

# Every file that is there while tasks run, whose outputs are long enough for spools.
cat >task <<'END'
head -c 3000000 /dev/zero | tr '\0' x
sleep 0.3
cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' ' ' >seen/cmdline.$1
tr '\0' '\n' </proc/self/environ >seen/environ.$1
find "$PWD" "$TMPDIR" -path "$PWD/seen" -prune -o -printf '%m %y %p\n' >seen/modes.$1
# What has no name any more.
find /proc/[0-9]*/fd -lname "$TMPDIR/#*" 2>/dev/null | while read -r fd; do
    stat -L -c '%a f spool' "$fd"
done >>seen/modes.$1 2>/dev/null
END
mkdir -m 700 seen
for where in alone "-n 3"; do
    [ "$where" != alone ] || where=
    LD_PRELOAD=$preload "$rota" run $where -j 2 --verbose --progress --run run.db \
        --results out/ --joblog log 'sh task' ::: 1 2 3 4 >>seen/stdout 2>>seen/stderr
    LD_PRELOAD=$preload "$rota" report run.db >>seen/stdout 2>>seen/stderr
    find "$PWD" -path "$PWD/seen" -prune -o -printf '%m %y %p\n' >seen/modes.end
    cp run.db log seen/
    grep -q ' spool$' seen/modes.* || fail "no spool was seen"
    # But for this test's own, MPI's, and what holds no output.
    open=$(cat seen/modes.* | sort -u | grep -vE '^[0-7]*00 ' |
        grep -vE " ($PWD|$PWD/task|$PWD/log|$TMPDIR|.*/ompi\..*|.*/pmix.*)$" || true)
    [ -z "$open" ] || fail "others can read$where: $open"
    [ -s out/1/4/stdout ] && [ "$(stat -c %a out/1/4/stdout)" = 600 ] || fail "no result"
    [ "$(stat -c %a run.db)" = 600 ] || fail "no run file"
    [ "$(stat -c %a log)" = 666 ] || fail "the joblog does not obey the umask"
    rm -r run.db out log seen/modes.*
done
grep -q ' run ' seen/cmdline.1 || fail "no command lines were seen"

# The guard's, which is handed on in the environment; to the shims alone.
status=0
LD_PRELOAD=$preload "$rota" guard -n 4 -- sh -c \
    'cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\0" " " >>seen/cmdline.guard
     tr "\0" "\n" </proc/self/environ >>seen/environ.guard; cat /proc/$PPID/environ >shim; exec '"$program"' kill' \
    >>seen/stdout 2>>seen/stderr || status=$?
[ "$status" -ne 0 ] || fail "the guarded program did not fail"
grep -q 'ROTA_GUARD_STATE' seen/environ.guard || fail "no rank was guarded"

# The secret, or its hexadecimal form, from wherever in it; a name that its files have not.
cat >needles <<'END'
eSecretTh
5365637265745468
RTaGVTZWNyZX
END
grep -qiF -f needles shim || fail "the secret is another than this test looks for"
found=$(grep -rliF -f needles seen || true)
[ -z "$found" ] || fail "the secret stands in $(echo $found)"
