#!/bin/sh
# run_flags.sh ROTA [OPTION...] - rota run: the flags that GNU parallel's users know.
# Options are put behind `run`.
set -eu
rota=$1
shift
. "$(dirname "$0")/check.sh"
cd "$TMPDIR"

begin "several sources"
run 0 "$rota" run "$@" -k echo {2} {1} ::: a b ::: 1 2
same "$out" '1 a\n2 a\n1 b\n2 b\n'
seq 3 >check.list
run 0 sh -c "seq 3 | '$rota' run $* -k echo :::: - ::::+ check.list ::: x"
same "$out" '1 1 x\n2 2 x\n3 3 x\n'
run 0 "$rota" run "$@" -k -a check.list --link echo ::: a b
same "$out" '1 a\n2 b\n3 a\n'
printf 'x,y\n1,2\n 3 ,4\n' >check.table
run 0 "$rota" run "$@" -k --colsep , --header : 'echo "{y}"{x}' :::: check.table
same "$out" '21\n43\n'

begin "what stands for an argument"
run 0 "$rota" run "$@" -k echo '{.} {/} {//} {/.} {#}' ::: a/b.c d
same "$out" 'a/b b.c a b 1\nd d . d 2\n'
run 0 "$rota" run "$@" -j 1 'echo {%} $PARALLEL_JOBSLOT $PARALLEL_SEQ {}' ::: a
same "$out" '1 1 1 a\n'
run 0 "$rota" run "$@" -k -q echo '$HOME  {}' ::: 'a  b'
same "$out" '$HOME  a  b\n'

begin "the order of the arguments, and their tags"
run 0 "$rota" run "$@" -j 4 -k --tag 'sleep 0.{}; echo {}; echo; printf e >&2' ::: 3 2 1
same "$out" '3\t3\n3\t\n2\t2\n2\t\n1\t1\n1\t\n'
same "$err" '3\te2\te1\te'
run 0 "$rota" run "$@" --tagstring '<{2}>' -v echo ::: a ::: 'b  c'
same "$out" "echo a 'b  c'\n<b  c>\ta b  c\n"

begin "what would be done"
run 0 sh -c "printf 'a b\n;\n' | '$rota' run $* --dry-run 'touch check.{} | cat'"
same "$out" "touch check.'a b' | cat\ntouch check.';' | cat\n"
run 3 sh -c "'$rota' run $* --dry-run echo ::: a >/dev/full"

begin "several tries, and a limit of time"
run 0 "$rota" run "$@" --retries 3 'echo >>check.tries; [ $(wc -l <check.tries) -eq 3 ]
    echo {}' ::: a
run 1 "$rota" run "$@" --retries 2 'echo >>check.more; exit 4' ::: a
[ "$(wc -l <check.more)" -eq 2 ] || failed "not tried twice"
run 1 "$rota" run "$@" --timeout 0.5 'echo {}; sleep {}' ::: 0 100
says 'task 2 ran out of time, and was ended: '
says '2 tasks: 1 succeeded, 1 failed'

begin "enough is enough"
run 1 "$rota" run "$@" -j 2 --halt now,fail=1 'test {} -ne 2 || exit 1; sleep {}' \
    ::: 100 2 100
says 'halted, as --halt says; 2 tasks left undone'
run 0 "$rota" run "$@" -j 2 --halt now,success=1 'sleep {}; echo {}' ::: 100 0 100
same "$out" '0\n'

begin "files of what was done"
run 1 "$rota" run "$@" -k --joblog check.log --results check.results \
    'echo {1}{2}; echo e >&2; exit {1}' ::: 0 3 ::: b/c ..
cut -f 1,5-9 check.log >check.columns
same check.columns 'Seq\tSend\tReceive\tExitval\tSignal\tCommand
1\t0\t5\t0\t0\techo 0b/c; echo e >&2; exit 0
2\t0\t4\t0\t0\techo 0..; echo e >&2; exit 0
3\t0\t5\t3\t0\techo 3b/c; echo e >&2; exit 3
4\t0\t4\t3\t0\techo 3..; echo e >&2; exit 3\n'
same 'check.results/1/3/2/b\_c/stdout' '3b/c\n'
same 'check.results/1/0/2/\../stderr' 'e\n'
same 'check.results/1/0/2/\../seq' 2
run 1 "$rota" run "$@" --timeout 0.2 --joblog check.log sleep ::: 100
cut -f 7-9 check.log | tail -n 1 >check.columns
same check.columns '%s\t15\tsleep 100\n' -1
run 2 "$rota" run "$@" --joblog /no/such/log true ::: a
says "cannot write joblog '/no/such/log': No such file"
# One that another run has is refused, and left as it is.
timeout 60 "$rota" run "$@" --joblog check.log 'until [ -e {} ]; do sleep 0.05; done' \
    ::: check.go >/dev/null 2>&1 &
other=$!
until [ "$(wc -l <check.log)" -eq 1 ]; do sleep 0.05; done
run 2 "$rota" run "$@" --joblog check.log true ::: a
says "joblog 'check.log' is another run's, process"
touch check.go
wait $other
[ "$(wc -l <check.log)" -eq 2 ] || failed 'a line of the joblog is missing'
run 3 "$rota" run "$@" --results /dev/null/x true ::: a
says "cannot make folder '/dev/null/"
long=$(printf '%0252d//' 0)
run 0 "$rota" run "$@" --results check.long 'echo {#} #' ::: "${long}a" "${long}b"
same "check.long/1/$(printf '%0252d' 0)\\1/stdout" '1\n'
same "check.long/1/$(printf '%0252d' 0)\\2/stdout" '2\n'

begin "more commands at once than there may be open files at first"
run 0 sh -c 'ulimit -S -n 128; "$@"' sh "$rota" run "$@" -j 50 'ulimit -n #' ::: a
same "$out" '128\n'

begin "where commands run, and how nice they are"
run 0 "$rota" run "$@" --wd / pwd ::: -P
same "$out" '/\n'
run 2 "$rota" run "$@" --nice 20 true ::: a
run 0 "$rota" run "$@" --nice 3 'nice #{}' ::: a
[ "$(cat "$out")" -eq $(($(nice) + 3)) ] || failed "not as nice as that"
