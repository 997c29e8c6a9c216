#!/bin/sh
# run_streams.sh ROTA [OPTION...] - rota run: much output, output as it comes, and input
# for commands. Options are put behind `run`.
set -eu
rota=$1
shift
. "$(dirname "$0")/check.sh"
cd "$TMPDIR"

in_back() {
    "$rota" run "$@" >"$out" 2>"$err" &
    farm=$!
}

shows() { # PATTERN: standard output does, before long
    for _ in $(seq 500); do
        grep -Eq "$1" "$out" && return
        sleep 0.02
    done
    failed "does not show: $1"
}

finish() {
    wait "$farm" || failed "status $?"
}

begin "much output comes whole, one command's behind another's"
run 0 "$rota" run "$@" -k --tag --joblog check.log --run check.db \
    'head -c 2500000 /dev/zero | tr "\0" {}; echo; seq 300000 >&2' ::: Q W
[ "$(tr -s QW <"$out" | tr '\t\n' '__')" = Q_Q_W_W_ ] || failed "not all, or mixed"
[ "$(wc -c <"$out")" -eq 5000006 ] || failed "not as long"
seq 300000 | sed 's/^/Q\t/' >check.errors
seq 300000 | sed 's/^/W\t/' >>check.errors
cmp -s check.errors "$err" || failed "standard error is not whole"
cut -f 6 check.log >check.columns
same check.columns 'Receive\n2500001\n2500001\n'
begin "a run file holds it too"
run 0 "$rota" report --csv check.db
[ "$(tr -cd QW <"$out" | tr -s QW)" = QW ] || failed "not in the run file"
[ "$(tr -cd '"\n0-9' <"$out" | wc -l)" -ge 600000 ] || failed "no errors there"

begin "memory stays as it is"
if ! grep -q __asan "$rota"; then
    run 0 "$rota" run "$@" 'head -c 60000000 /dev/zero
        sed -n "s/^VmHWM:[^0-9]*//p" /proc/$PPID/status >&2; : {}' ::: a
    [ "$(wc -c <"$out")" -eq 60000000 ] || failed "not as long"
    kilobytes=$(sed 's/ .*//' "$err")
    [ "$kilobytes" -lt 48000 ] || failed "took $kilobytes kB"
fi

begin "lines, as soon as they are whole"
in_back "$@" -j 2 --line-buffer --tag \
    'printf "a b\nc"; until [ -e check.go ]; do sleep 0.02; done; echo d; : {}' ::: 1 2
shows '^2	a b$'
shows '^1	a b$'
[ "$(wc -l <"$out")" -eq 2 ] || failed "more than that"
>check.go
finish
[ "$(tail -n 2 "$out" | sort | tr '\t\n' '__')" = 1_cd_2_cd_ ] || failed "lines broke"

begin "input for commands, in blocks"
seq 100000 >check.numbers
run 0 sh -c "'$rota' run $* -k --pipe --block 50k cat <check.numbers"
cmp -s "$out" check.numbers || failed "not all of it, in order"

begin "blocks by name, wherever commands run, with the variables that are recorded"
export PARALLEL_HOME="$TMPDIR/check.home"
run 2 "$rota" run "$@" --env _ true ::: a
says "those in '$PARALLEL_HOME/ignored_vars', which is not there"
run 0 "$rota" run --record-env
same "$out" ''
grep -qx PATH "$PARALLEL_HOME/ignored_vars" || failed "does not record PATH"
ROTA_CHECK='a b' run 0 sh -c "'$rota' run $* -k --block 50k --fifo --env _ \
    'test -p {} && test \"\$ROTA_CHECK\" = \"a b\" && cat {}' <check.numbers"
cmp -s "$out" check.numbers || failed "not all of it, in order"

begin "commands that read on"
run 0 sh -c "'$rota' run $* -j2 --round-robin --block 10k 'tee check.part.{#} | wc -l' \
    <check.numbers"
[ "$(awk '{ lines += $1 } END { print lines }' "$out")" -eq 100000 ] || failed "not all"
sort -n check.part.* | cmp -s - check.numbers || failed "not each line once"
[ -e check.part.2 ] || failed "not one for each slot"

begin "variables for commands"
ROTA_CHECK='a b' run 0 "$rota" run "$@" --env ROTA_CHECK,HOME 'echo "$ROTA_CHECK{}"' ::: c
same "$out" 'a bc\n'

if [ $# -gt 0 ]; then
    begin "a worker dies with commands that read on, and a file that one reads"
    run 1 sh -c "'$rota' run $* -k --round-robin --block 10k --fifo \
        'exec 3<{}; head -n 5000 <&3 >&2; [ {#} != 1 ] || kill -9 \$PPID; cat <&3 >&2' \
        <check.numbers"
    says 'rank [12] was killed by signal 9 \(SIGKILL\)$'
    says 'task 1 was lost with its worker: exec 3<"\$\{PARALLEL_TMP\}"; head'
    says 'of the input, task 1 was given blocks 1[,-]'
    says '2 tasks: 1 succeeded, 1 failed; 1 worker lost, 0 tasks run again'
    begin "a worker dies in the midst of its output"
    run 0 "$rota" run "$@" -k 'head -c 2000000 /dev/zero | tr "\0" {}
        test {} != b || ! mkdir check.once || kill -9 $PPID' ::: a b c
    [ "$(tr -s abc <"$out")" = abc ] || failed "not in order"
    [ "$(wc -c <"$out")" -eq 6000000 ] || failed "not each once"
    says '1 worker lost'
    exit
fi

# What is the same wherever commands run.
begin "and so do results"
run 0 "$rota" run --results check.results 'head -c 2500000 /dev/zero' ::: -q
[ "$(wc -c <check.results/1/-q/stdout)" -eq 2500000 ] || failed "not as long"
same "$out" ''

begin "lines, in the order of the arguments"
rm check.go
in_back -j 2 -k --lb 'echo {}; [ {} = 1 ] || >check.said
    until [ -e check.go ]; do sleep 0.02; done; echo {}' ::: 1 2
shows '^1$'
until [ -e check.said ]; do sleep 0.02; done
[ "$(wc -l <"$out")" -eq 1 ] || failed "the second was shown"
>check.go
finish
same "$out" '1\n1\n2\n2\n'

begin "output as it comes"
rm check.go
in_back -u 'printf {}; until [ -e check.go ]; do sleep 0.02; done; echo' ::: a
shows '^a$'
>check.go
finish
same "$out" 'a\n'

begin "nobody reads what is shown, and the run is asked to stop"
mkfifo check.fifo
sleep 1000 <check.fifo &
reader=$!
"$rota" run -u 'echo {} >>check.says; yes' ::: a >check.fifo 2>"$err" &
farm=$!
until [ -e check.says ]; do sleep 0.02; done
sleep 0.3 # it is as full as it gets
kill -TERM "$farm"
sleep 0.3
kill -TERM "$farm" 2>/dev/null || : # twice is urgent
got=0
wait "$farm" || got=$?
kill "$reader"
[ "$got" -eq 143 ] || failed "status $got"
says 'asked to stop|nobody reads it'

begin "the same blocks again, and of a file"
run 0 sh -c "'$rota' run -k --retries 2 --pipe --block 200k --joblog check.log \
    'mkdir check.try.{#} && exit 1; cat' <check.numbers"
cmp -s "$out" check.numbers || failed "not the same blocks again"
run 0 "$rota" run --pipepart -a check.numbers 'head -n 1; : {#}'
same "$out" '1\n'
run 2 "$rota" run --pipe cat ::: a
says 'no arguments behind'
run 2 "$rota" run --block 1M echo ::: a
run 2 "$rota" run --pipe --block x cat
says 'not a number of bytes'
run 2 "$rota" run --cat --fifo cat
says 'by the one or the other'
run 2 "$rota" run --round --cat cat
says 'a file is whole before its command starts'
run 2 "$rota" run --round-robin --retries 2 cat
says 'there is no --retries'

begin "who reads on and does not read to the end has failed"
run 3 sh -c "yes 0123456789abcdef | head -c 20000000 |
    '$rota' run -j2 --round-robin --block 100k 'head -n 1; : {#}'"
says 'task 1 ended before its input did: head -n 1; : 1'
says 'of the input, task 1 was given blocks? 1[,-]?'
says 'nobody reads block .* and what follows it, as every command has ended; '

begin "a file with a block"
run 0 sh -c "'$rota' run -k --block 50k --cat 'test -f {} && cat {}' <check.numbers"
cmp -s "$out" check.numbers || failed "not all of it, in order"

begin "a run that is killed leaves no file, nor a pipe"
mkdir check.tmp
for way in --cat --fifo; do
    TMPDIR=$PWD/check.tmp run 3 sh -c "'$rota' run $way 'kill -9 \$PPID; cat {}' <check.numbers"
    says 'its process was killed by signal 9'
    [ -z "$(ls check.tmp)" ] || failed "leaves $(ls check.tmp)"
done

begin "blocks for commands that read on come while there is no end, and then it is asked for"
mkfifo check.more
exec 7<>check.more
"$rota" run -u -j2 --round-robin --block 2 \
    'while read n; do echo {#}.$n; done; echo end' <check.more >"$out" 2>"$err" &
farm=$!
echo 1 >&7
shows '^1\.1$'
echo 2 >&7
shows '^2\.2$'
echo 3 >&7
shows '^[12]\.3$'
kill -HUP "$farm"
got=0
wait "$farm" || got=$?
exec 7>&-
[ "$got" -eq 129 ] || failed "status $got"
[ "$(grep -c end "$out")" -eq 2 ] || failed "they were not told the end"

begin "what is no variable"
run 2 "$rota" run --env ROTA_NO_SUCH true ::: a
says "no such environment variable"

begin "by a joblog, the rest of a list"
rm check.log
run 1 "$rota" run -j1 --joblog check.log 'exit {}' ::: 0 1
run 0 "$rota" run -j1 --resume --joblog check.log 'echo ${PARALLEL_SEQ}{#}' ::: 0 1 2
same "$out" '33\n'
run 1 "$rota" run --retry-failed --joblog check.log
says 'task 2 exited with status 1: exit 1'
printf 'what\n' >>check.log
run 2 "$rota" run --resume --joblog check.log true ::: a
says "line 6 of 'check.log' is none of a joblog"
run 2 "$rota" run --resume true ::: a
says 'need --joblog'

begin "no room for output: its task fails, and nothing else"
run 1 sh -c "ulimit -f 3000; '$rota' run -k 'echo {}; [ {} -ne 2 ] || yes' ::: 1 2 3"
says 'task 2 is ended, as its output cannot be kept: cannot write to a temporary file'
says 'task 2 wrote more output than can be kept, and was ended: '
says '3 tasks: 2 succeeded, 1 failed'
same "$out" '1\n3\n'
TMPDIR=/no/such/folder run 1 "$rota" run 'head -c 2000000 /dev/zero; : {}' ::: 1
says "cannot make a temporary file in '/no/such/folder'"
