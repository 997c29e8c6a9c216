#!/bin/bash
# run_terminal.sh ROTA PTY - what a person sees of rota run on a terminal
set -eu
rota=$1
pty=$2
. "$(dirname "$0")/check.sh"
cd "$TMPDIR"
export TERM=xterm
screen=check.screen

watch() { # COLUMNS STATUS TEXT ARG...: a file is made when TEXT has been seen
    columns=$1 wanted=$2 text=$3
    shift 3
    rm -f check.go
    run "$wanted" "$pty" --columns "$columns" --screen "$screen" --await "$text" \
        --touch check.go -- "$rota" run "$@"
}
seen='until [ -e check.go ]; do sleep 0.02; done'

begin "one line, above which all else stands, and which is gone in the end"
watch 200 1 $'\033[Krota: 3/6 done, 1 failed, 2 running, ' -k -j 2 \
    "test {} -le 3 || $seen; echo {}; test {} -ne 3" ::: 1 2 3 4 5 6
sed 's/\(exited with status 1: \).*/\1/; /6 tasks: 5 succeeded, 1 failed/d' "$screen" \
    >check.seen
same check.seen '1\n2\n3\nrota: task 3 exited with status 1: \n4\n5\n6\n'

begin "what worker programs say stands above it too"
cat >check.worker <<'EOF'
while read -r line; do
    until [ -e check.go ]; do sleep 0.02; done
    task=${line#*\"task\":} task=${task%%[,\}]*}
    echo "at task $task" >&2
    sleep 0.3
    echo "{\"task\":$task,\"result\":null}"
done
EOF
watch 200 0 $'\033[Krota: 0/3 done, ' -j 1 --worker sh check.worker ::: 1 2 3
same "$screen" 'sh[1]: at task 1\nsh[1]: at task 2\nsh[1]: at task 3\n'

begin "it is as narrow as the terminal"
watch 17 0 $'\033[Krota: 0/4 done, ' -j 2 "$seen; echo a #{}" ::: 1 2 3 4
same "$screen" 'a\na\na\na\n'

begin "an unfinished line is left alone"
watch 90 0 abc -j 1 'sleep 0.2; printf {}' ::: a b c d
same "$screen" 'abcd\n'

begin "a bar, of a list that is read first"
watch 90 0 $'\033[7m50% 2:2=' --bar -j 2 -a <(seq 4) "test {} -le 2 || $seen"
same "$screen" ''

begin "a line is not wanted, or can't be"
"$pty" -- "$rota" run --no-progress sleep ::: 0.7 >check.unwanted &
TERM=dumb "$pty" -- "$rota" run sleep ::: 0.7 >check.dumb &
run 0 "$rota" run -j 2 sleep ::: 0.7
silent
wait
same check.unwanted ''
same check.dumb ''

begin "where nobody looks there is one if it is asked for"
run 0 "$rota" run --progress -j 2 true ::: 1 2
tr '\r' '\n' <"$err" | grep -q '^rota: 2/2 done, 0 running' || failed "no line"
run 0 "$rota" run --bar -j 2 true ::: 1 2
tr '\r' '\n' <"$err" | grep -qx '100.00' || failed "nothing for zenity"
