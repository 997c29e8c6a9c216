#!/bin/sh
# run_worker.sh ROTA EXAMPLES [OPTION...] - rota run --worker: persistent programs
#
# Options are put behind `run`.
set -eu
rota=$1
examples=$2
shift 2
. "$(dirname "$0")/check.sh"
cd "$TMPDIR"

# A program that runs its tasks' arguments: $n is the task's number.
cat >check.program <<'END'
#!/bin/sh
ok() { echo "{\"task\":$n,\"result\":\"$*\"}"; }
while IFS= read -r line; do
    n=${line#*:} n=${n%%,*} a=${line#*[?} a=${a%???}
    eval "$a"
done
END
chmod +x check.program

begin "ranks with programs die, and tasks do not"
if [ $# -gt 0 ]; then
    seq 60 | sed 's/.*/[ $n -ne 20 ] || ! mkdir check.once || kill -9 $PPID; ok &/' \
        >check.list
    run 0 "$rota" run "$@" -k -j 2 --worker ./check.program :::: check.list
    seq 60 | cmp -s - "$out" || failed "not every task, once"
    says 'rank [12] was killed by signal 9 \(SIGKILL\); .* run elsewhere'
fi

begin "the examples"
for program in worker_square.py worker_square.sh; do
    run 0 "$rota" run "$@" -k --worker "$examples/$program" ::: 3 4 12
    same "$out" '9\n16\n144\n'
    silent
done
run 1 "$rota" run "$@" -k --tag --worker "$examples/worker_square.py" ::: 3 x
same "$out" '3\t9\n'
says "^x	ValueError: invalid literal"
says 'task 2 was answered with an error: x'
name=$(printf 'check.\377')
printf 'a\nb\n' >"$name"
run 1 "$rota" run "$@" -k --worker "$examples/worker_lines.py" ::: "$name" check.none
same "$out" '2\n'
says '^cannot read it: No such file or directory'

# What follows is the same in a rank.
[ $# -eq 0 ] || exit 0

begin "the lines are those of the documentation"
run 0 "$rota" run "$@" --worker sh -c 'read -r line; printf "%s\n" "$line" >&2
    echo "{\"task\":1,\"result\":[1, 2.50]}"' ::: a ::: 'b c'
same "$out" '[1, 2.50]\n'
says '^sh\[[0-9.]+\]: \{"task":1,"attempt":1,"args":\["a","b c"\]\}$'
run 0 "$rota" run "$@" --worker sh -c 'read -r line; printf "%s\n" "$line" >&2
    echo "{\"task\":1,\"result\":null}"' ::: "$(printf '\377name')" ::: 'b c'
same "$out" ''
says '\{"task":1,"attempt":1,"args_base64":\["/25hbWU=","YiBj"\]\}$'

begin "what commands have, programs have"
run 1 "$rota" run "$@" -k --joblog check.log --results check.results \
    --worker ./check.program ::: 'ok a' 'echo "{\"task\":$n,\"error\":\"no\"}"' 'exit 3'
cut -f 1,6-8 check.log >check.columns
same check.columns 'Seq\tReceive\tExitval\tSignal\n1\t2\t0\t0\n2\t0\t-1\t0\n3\t0\t3\t0\n'
same 'check.results/1/ok a/stdout' 'a\n'
grep -q '^given up, as it took 3 programs along; the last, ' \
    'check.results/1/exit 3/stderr' || failed "no reason for the end"
run 0 "$rota" run "$@" --run check.file --worker ./check.program ::: 'ok x'
run 0 "$rota" report --json check.file
grep -qF "\"out\": \"x\\n\"" "$out" || failed "no result in the run file"

begin "programs die, tasks do not"
seq 400 | sed 's/.*/[ $n -ne 100 ] || [ -e check.died ] || { touch check.died; kill -9 $$; }; ok &/' \
    >check.list
run 0 "$rota" run "$@" -k -j 2 --worker ./check.program :::: check.list
seq 400 | cmp -s - "$out" || failed "not every task, once"
says 'check.program\[[0-9.]+\] was killed by signal 9 \(SIGKILL\); it held task 100, which'

begin "a run that dies goes on"
seq 40 | sed 's/.*/[ $n -ne 20 ] || ! mkdir check.end || kill -9 $PPID; ok &/' >check.list
run 3 "$rota" run --run check.half -j 1 --worker ./check.program :::: check.list
run 0 "$rota" resume check.half
run 0 "$rota" report --json check.half
[ "$(grep -c '"outcome": "done"' "$out")" -eq 40 ] || failed "not all is done"

begin "nonsense, and silence"
run 1 "$rota" run "$@" -k --timeout 0.3 --worker ./check.program ::: \
    'ok 1' 'sleep 100' 'echo what' 'ok 4'
same "$out" '1\n4\n'
says "wrote 'what', which is no answer: not JSON .*; it held task 3, which is tried again"
says 'task 2 ran out of time, and was ended'

begin "what cannot be"
run 2 "$rota" run --worker check.none ::: a
says "cannot start worker program 'check.none': No such file or directory"
run 2 "$rota" run --worker cat {} ::: a
says "': a program that --worker starts gets its arguments by its standard input"
run 2 "$rota" run --worker ::: a
says '\-\-worker: name the program'

begin "who is asked to stop ends its programs"
"$rota" run --worker ./check.program ::: 'touch check.begun; sleep 1; ok' >"$out" 2>"$err" &
until [ -e check.begun ]; do sleep 0.02; done
kill -TERM $!
got=0
wait $! || got=$?
[ "$got" -eq 143 ] || failed "status $got instead of 143"
