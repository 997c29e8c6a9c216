# check.sh - for scripts of this folder to read: expectations that name themselves
#
#     begin NAME            what follows is about NAME
#     run STATUS COMMAND    run it; its outputs are in $out and $err
#     same FILE TEXT...     FILE holds exactly these lines (printf formats)
#     says PATTERN          standard error has a line like this (grep -E)
#     silent                standard error is empty
#     rank_process N        the process of rank N
#     commands ROTA         the commands that ROTA --help lists
#     flags ROTA COMMAND    the flags that its --help lists
out=$TMPDIR/check.out
err=$TMPDIR/check.err
trap 'rm -rf "$out" "$err" "$TMPDIR"/check.*' EXIT

begin() {
    about=$1
}

failed() {
    echo "$0: $about: $*" >&2
    echo "--- standard output" >&2
    head -c 2000 "$out" >&2
    echo "--- standard error" >&2
    head -c 2000 "$err" >&2
    exit 1
}

run() {
    wanted=$1
    shift
    got=0
    "$@" >"$out" 2>"$err" || got=$?
    [ "$got" -eq "$wanted" ] || failed "status $got instead of $wanted: $*"
}

same() {
    file=$1
    shift
    # shellcheck disable=SC2059
    printf "$@" | cmp -s - "$file" || failed "unexpected output"
}

says() {
    grep -Eq -- "$1" "$err" || failed "does not say: $1"
}

silent() {
    [ ! -s "$err" ] || failed "says something"
}

# Whether PID is of this script's and the launcher's rank N.
marked() { # PID N
    marks=$({ tr '\0' '\n' <"/proc/$1/environ"; } 2>/dev/null |
        grep -cE "^(TMPDIR=$TMPDIR|(OMPI_COMM_WORLD_RANK|PMI_RANK)=$2)\$") || true
    [ "${marks:-0}" -eq 2 ]
}

# The rank stands below a small parent with the same marks. Waits until it is there; for
# half a minute at most, since it may have ended before it was looked for.
rank_process() { # N
    for _ in $(seq 600); do
        for dir in /proc/[0-9]*; do
            pid=${dir#/proc/}
            parent=$(sed 's/.*) . \([0-9]*\) .*/\1/' "$dir/stat" 2>/dev/null) || continue
            if marked "$pid" "$1" && marked "$parent" "$1"; then
                echo "$pid"
                return 0
            fi
        done
        sleep 0.05
    done
    echo "$0: $about: there is no rank $1" >&2
    return 1
}

commands() {
    "$1" --help | awk '/^  [a-z]+ +[a-z]/ && $1 != "rota" { print $1 }'
}

flags() {
    "$1" "$2" --help | sed -nE 's/^ {2,6}(-[^ ].*)$/\1/p' | sed 's/   *.*//' |
        grep -oE -- '(^|, )(--[a-z-]+|-[^-])' | sed 's/^, //'
}
