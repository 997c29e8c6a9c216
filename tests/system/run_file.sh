#!/bin/sh
# run_file.sh ROTA MAKER - rota status and rota report over run files (run_file.c)
set -eu
rota=$1
maker=$2
. "$(dirname "$0")/check.sh"
dir=$TMPDIR/check.dir
mkdir "$dir"
cd "$dir"

shows() {
    grep -Eq -- "$1" "$out" || failed "does not show: $1"
}

begin "a run that has ended"
"$maker" end ended.db
[ "$(stat -c %a ended.db)" = 600 ] || failed "others may read it"
[ ! -e ended.db-journal ] || failed "a journal is left"
run 0 "$rota" status ended.db
silent
shows '^run      bc <<< \{\}$'
shows '^state    ended .* with status 3: no worker is left$'
shows '^tasks    6: 4 done, 1 failed, 1 left$'
shows '^workers  1, which run 2 at once; 1 lost$'
shows 'rank 2 on node2 was killed by signal 9 \(SIGKILL\), 20'
shows "'rota report --left ended.db' lists what is left"

begin "a table"
run 0 "$rota" report ended.db
silent
shows '^ WORKER      \|  TASK  .*\|  RESULT .*\|  TIME$'
shows '^Process 2    \| 100 / 5 +\| 20\.00 +\| 0\.020 s$'
shows '^Process 2    \| 300 "- 5 +\| exited with status 3 +\| 0\.020 s$'
shows '^             \| 600 \+ 5 +\| \(left\) +\|$'
run 0 "$rota" report --failed ended.db
[ "$(grep -c Process "$out")" -eq 1 ] || failed "not what failed alone"
run 0 "$rota" report --left ended.db
[ "$(grep -c left "$out")" -eq 1 ] || failed "not what is left alone"

begin "JSON"
run 0 "$rota" report --json ended.db
[ "$(wc -l <"$out")" -eq 6 ] || failed "not a line for each task"
shows '^\{"task": 1, "arguments": \["100 / 5"\], "outcome": "done", "code": 0, "attempts": 1, "worker": 2, "host": "node2", "started": [0-9.]+, "seconds": 0.02[0-9]*, "out": "20.00.n"\}$'
shows '"arguments": \["300 ."- 5"\], "outcome": "failed", "code": 3, "reason": "exited'
shows '"out": \{"base64": "/wEK"\}'
shows '^\{"task": 6, "arguments": \["600 \+ 5"\], "outcome": "left"\}$'

begin "CSV"
run 0 "$rota" report --csv ended.db
shows '^task,arguments,outcome,code,reason,attempts,worker,host,started,seconds,out,err'
shows '^3,"300 ""- 5",failed,3,"exited with status 3",1,2,"node2",'
shows '^6,"600 \+ 5",left,,,,,,,,,'

begin "a run that died"
"$maker" die died.db || true
run 0 "$rota" status died.db
shows '^state    died: its process [0-9]+ on .* has gone$'
shows "'rota report --left died.db' lists what is left"

begin "a run that goes on"
mkfifo ready
"$maker" hold held.db >ready &
pid=$!
read -r _ <ready
run 0 "$rota" status held.db
shows "^state    runs for 0:00:[0-9]+, as process $pid on "
shows '^rate     [0-9.]+ a second; about '
run 0 "$rota" report held.db
kill -9 $pid
wait $pid || true
run 0 "$rota" status held.db
shows '^state    died'

begin "what is no run file"
run 2 "$rota" status no.db
says "cannot open run file 'no.db': No such file or directory; check its name"
echo "notes, and none of ours" >notes
run 2 "$rota" report notes
says "cannot open run file 'notes': it is no run file; name one"
run 2 "$rota" status
says 'no run file: name one'
run 2 "$rota" report ended.db died.db
run 0 "$rota" help status
run 0 "$rota" help report

begin "output that can't be written"
run 3 sh -c "'$rota' report ended.db >/dev/full"
says 'cannot write to standard output'
run 3 sh -c "'$rota' status ended.db >/dev/full"

begin "rota run writes one"
run 1 "$rota" run --run own.db 'echo {}; exit {}' ::: 0 0 3
run 0 "$rota" status own.db
shows '^tasks    3: 2 done, 1 failed, 0 left$'
run 0 "$rota" report --json own.db
shows '"outcome": "failed", "code": 3, "reason": "exited with status 3"'
[ "$(grep -c '"out": "0.n"' "$out")" -eq 2 ] || failed "outputs are missing"
run 2 "$rota" run --run own.db true ::: 1
says "cannot create run file 'own.db': it is there already"
