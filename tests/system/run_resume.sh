#!/bin/sh
# run_resume.sh ROTA - rota resume, --restarts and ROTA_RUN_DIR, on this machine
set -eu
rota=$1
. "$(dirname "$0")/check.sh"
dir=$TMPDIR/check.dir
mkdir "$dir" "$dir/else"
cd "$dir"

shows() {
    grep -Eq -- "$1" "$out" || failed "does not show: $1"
}

# What a run file says of all tasks, without where and when they ran.
results_of() { # FILE
    "$rota" report --json "$1" |
        sed 's/, "attempts": [0-9]*//; s/, "worker".*, "seconds": [^,}]*//'
}

# The process that writes to a run file, once it has begun a task.
writer_of() { # FILE
    for _ in $(seq 600); do
        pid=$("$rota" status "$1" 2>/dev/null |
            sed -n 's/^state .*as process \([0-9]*\) .*/\1/p')
        [ -z "$pid" ] || [ ! -e begun ] || return 0
        sleep 0.02
    done
    failed "no run writes to $1"
}

run_in_back() {
    rm -f begun
    exec 4<&0 # what runs in the background would read from /dev/null
    "$rota" run "$@" <&4 >"$out" 2>"$err" &
    whole=$!
}

finish_with() { # STATUS
    got=0
    wait "$whole" || got=$?
    [ "$got" -eq "$1" ] || failed "status $got instead of $1"
}

begin "a run that was halted goes on where it was"
seq 12 >list
run 1 "$rota" run --run halted.db --joblog log --tag -j1 --halt now,fail=1 \
    'test {} -ne 5 || exit 3; echo {#} $PARALLEL_SEQ $PWD' :::: list
says "^rota: 'rota resume halted.db' goes on"
rm list
cd else
run 1 "$rota" resume ../halted.db
says "1 task had failed before: 'rota resume --retry-failed .*/halted.db'"
for i in 6 7 8 9 10 11 12; do
    printf '%d\t%d %d %s\n' $i $i $i "$dir"
done | cmp -s - "$out" || failed "not what was left, where it was begun"
cd ..
[ "$(grep -c Seq log)" -eq 1 ] || failed "the joblog has two heads"
[ "$(wc -l <log)" -eq 13 ] || failed "the joblog does not go on"
run 1 "$rota" resume halted.db
says "nothing is left to do: 11 done, 1 failed; 'rota resume --retry-failed halted.db'"
run 1 "$rota" resume --retry-failed --wd else halted.db
says 'task 5 exited with status 3: '
run 0 "$rota" status halted.db
shows 'resumed 2 times'
shows '^events   .*  resumed: 7 left$'
shows '^ .*  resumed: 1 left, 1 of them failed before$'

begin "everything is killed half-way: as if nothing had been"
command='sleep 0.00$(({1} % 4)); echo out {}; test $(({1} % 50)) -ne 7 || exit {2}'
run 1 "$rota" run --run whole.db -j2 "$command" ::: $(seq 200) ::: 4
run_in_back --run cut.db -j2 "$command" ::: $(seq 200) ::: 4
until [ "$("$rota" status cut.db 2>/dev/null | sed -n 's/^tasks .* \([0-9]*\) done.*/\1/p')" \
    -gt 50 ] 2>/dev/null; do sleep 0.02; done
>begun
writer_of cut.db
kill -9 "$whole" "$pid"
finish_with 137
while kill -0 "$pid" 2>/dev/null; do sleep 0.02; done
run 0 "$rota" status cut.db
shows '^state    died: its process'
shows "^next     'rota resume cut.db' goes on"
run 1 "$rota" resume -j3 cut.db
results_of whole.db >whole
results_of cut.db | cmp -s - whole || failed "other results than undisturbed"

begin "a list that was not read to its end"
mkfifo slow
exec 3<>slow
run_in_back --run slow.db -j1 '>begun; sleep 0.0{}; echo {}' <slow
printf '%s\n' 1 2 3 >&3
writer_of slow.db
until "$rota" status slow.db | grep -q ' 3 done'; do sleep 0.02; done
kill -9 "$pid"
finish_with 3
says 'the run could not be completed: its process was killed by signal 9 \(SIGKILL\)'
says "^rota: 'rota resume slow.db' goes on"
exec 3>&-
run 3 "$rota" resume slow.db
says "rest of the list.* it came on standard input; 'rota resume -a LIST .*/slow.db'"
seq 2 6 >other
run 3 "$rota" resume -a other slow.db
says "it has changed: task 3 was '3', and is '4' now"
seq 5 >other
run 0 "$rota" resume -a other slow.db
same "$out" '4\n5\n'
run 0 "$rota" resume slow.db
says 'nothing is left to do: 5 done, 0 failed'

begin "the manager dies and the run goes on"
seq 30 >list
run_in_back --restarts 2 --run again.db -j2 \
    '>begun; test {} -ne 20 || until [ -e die ]; do sleep 0.02; done; echo {}' <list
writer_of again.db
until "$rota" status again.db | grep -q ' 29 done'; do sleep 0.02; done
kill -9 "$pid"
>die
finish_with 0
says "its process was killed by .*; starting again from run file 'again.db' \(1 of 2\)"
seq 30 | cmp -s - "$out" || sort -n "$out" | cmp -s - list || failed "not each task, once"
run 0 "$rota" status again.db
shows '^events   .*restarted \(its process was killed by signal 9 \(SIGKILL\)\): 1 left'
run 2 "$rota" run --restarts 2 true ::: 1
says '--restarts goes on from a run file: name one with --run'

begin "commands of a manager that was killed do not run on"
run_in_back -j2 '>begun; setsid sleep 1000; echo {}' ::: 1 2
for _ in $(seq 600); do [ ! -e begun ] || break; sleep 0.02; done
kill -9 "$(ps -o pid= --ppid "$whole")"
finish_with 3

begin "a folder for all runs"
export ROTA_RUN_DIR=$dir/runs
run 0 "$rota" run echo ::: a
run 1 "$rota" run 'exit {}' ::: 0 7
run 0 "$rota" status
shows '^run      exit \{\}$'
shows '_exit.db, begun '
run 0 "$rota" report --failed
shows 'exited with status 7'
run 1 "$rota" resume
says 'nothing is left to do: 1 done, 1 failed'
[ "$(ls runs | wc -l)" -eq 2 ] || failed "not a file for each run"
unset ROTA_RUN_DIR
for command in status report resume; do
    run 2 "$rota" $command
    says 'no run file: name one, or set ROTA_RUN_DIR'
done

begin "run files that are lost, strange or somebody's"
run_in_back --run held.db -j1 '>begun; until [ -e go.{} ]; do sleep 0.02; done' ::: 1 2
writer_of held.db
run 2 "$rota" resume held.db
says "cannot resume run file 'held.db': a run writes to it \(process $pid on"
mv held.db away.db
>go.1
until grep -q 'removed or renamed' "$err"; do sleep 0.02; done
mv away.db held.db
>go.2
got=0; wait "$whole" || got=$?
[ "$got" -eq 0 ] || failed "a file that is back: status $got"
cp held.db newer.db
printf '\000\000\000\002' | dd of=newer.db bs=1 seek=60 conv=notrunc 2>/dev/null
run 2 "$rota" resume newer.db
says "cannot open run file 'newer.db': a newer Rota wrote it \(format 2, this one knows 1\)"
head -c 9000 held.db >cut.db
run 2 "$rota" resume cut.db
says "run file 'cut.db': it is damaged"
head -c 5000 /dev/urandom >garbage.db
run 2 "$rota" resume garbage.db
says "cannot open run file 'garbage.db': it is no run file"
run 2 "$rota" resume none.db
says "cannot open run file 'none.db': No such file"
run 2 "$rota" run --run held.db true ::: 1
says "it is there already; 'rota resume held.db' goes on with it, another name"
run_in_back --run gone.db -j1 '>begun; until [ -e go.{} ]; do sleep 0.02; done' ::: 1 3 2
writer_of gone.db
rm gone.db
>go.3
finish_with 3
says "cannot write to run file 'gone.db': it was removed or renamed; put it back"
