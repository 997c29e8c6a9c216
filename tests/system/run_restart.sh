#!/bin/sh
# run_restart.sh ROTA MPIEXEC - rota run -n 3 goes on when its manager and its launcher die,
# or when a launcher ends everything because a worker has died
#
# Each command holds a lock, which the kernel takes from it when it dies: so one that
# ran twice at once would find it taken.
set -eu
rota=$1
mpiexec=$2
. "$(dirname "$0")/check.sh"
dir=$TMPDIR/check.dir
mkdir "$dir"
cd "$dir"

# Wait until $1 tasks are done; then $manager is the process of rank 0.
await() { # TASKS
    for _ in $(seq 1500); do
        "$rota" status run.db >now 2>/dev/null || :
        manager=$(sed -n 's/^state .*as process \([0-9]*\) .*/\1/p' now)
        done=$(sed -n 's/^tasks .*: \([0-9]*\) done.*/\1/p' now)
        [ -z "$manager" ] || [ "${done:-0}" -lt "$1" ] || return 0
        sleep 0.02
    done
    failed "there are not $1 tasks done"
}

parent_of() {
    ps -o ppid= -p "$1" | tr -d ' '
}

begin "the manager dies, then the launcher"
seq 200 >list
"$rota" run -n 3 --restarts 2 --run run.db \
    'exec 9>lock.{}; flock -n 9 || echo {} >>twice
     test {} -ne 80 -a {} -ne 160 || until [ -e go.{} ]; do sleep 0.02; done; echo {}' \
    <list >"$out" 2>"$err" &
whole=$!
await 50
kill -9 "$manager"
until grep -q '(1 of 2)' "$err"; do sleep 0.02; done
>go.80
await 120
kill -9 "$(parent_of "$(parent_of "$manager")")"
until grep -q '(2 of 2)' "$err"; do sleep 0.02; done
>go.160
got=0
wait "$whole" || got=$?
[ "$got" -eq 0 ] || failed "status $got"
says "its manager, rank 0, died .*; starting again from run file 'run.db' \(1 of 2\)"
says "starting again from run file 'run.db' \(2 of 2\)"
sort -nu "$out" | cmp -s - list || failed "not each task"
[ ! -e twice ] || failed "ran twice at once: $(cat twice)"
[ "$("$rota" report --json run.db | grep -c '"outcome": "done"')" -eq 200 ] ||
    failed "not all are recorded as done"

begin "with no restart left it says so, and rota resume goes on with other ranks"
rm -f go.* run.db
"$rota" run -n 3 --run run.db 'until [ -e go.{} ]; do sleep 0.02; done; echo {}' \
    ::: 1 2 3 >"$out" 2>"$err" &
whole=$!
>go.1
await 1
kill -9 "$(parent_of "$manager")"
got=0
wait "$whole" || got=$?
[ "$got" -eq 3 ] || failed "status $got"
says 'the run could not be completed: its manager, rank 0, died'
says "'rota resume run.db' goes on"
>go.2
>go.3
run 0 "$rota" resume -n 2 -j 2 -k run.db
same "$out" '2\n3\n'
run 0 "$rota" status run.db
grep -Eq '^workers  1, which run 2 at once; 0 lost$' "$out" || failed "not the workers"

begin "the program is replaced while it runs"
rm -f go.* run.db
mkdir bin
cp "$rota" bin/rota
bin/rota run -n 3 --restarts 1 --run run.db \
    'test {} -ne 3 || until [ -e go.{} ]; do sleep 0.02; done; echo {}' \
    ::: 1 2 3 4 5 6 7 8 9 >"$out" 2>"$err" &
whole=$!
await 2
printf '#!/bin/sh\nexit 77\n' >bin/new
chmod +x bin/new
mv bin/new bin/rota
kill -9 "$manager"
until grep -q '(1 of 1)' "$err"; do sleep 0.02; done
>go.3
got=0
wait "$whole" || got=$?
[ "$got" -eq 0 ] || failed "status $got"
seq 9 >nine
sort -nu "$out" | cmp -s - nine || failed "not each task"

# Open MPI 4 does so when a process of its own, a rank's parent, is killed; MPICH unless it
# is asked not to, which whoever puts a script in its place may not know.
begin "a launcher that takes everything down with one worker"
rm -f go.* run.db
cat >launcher <<END
#!/bin/bash
for word; do
    shift
    [ "\$word" = -disable-auto-cleanup ] || set -- "\$@" "\$word"
done
exec $mpiexec "\$@"
END
chmod +x launcher
"$rota" run -n 3 --mpiexec ./launcher --restarts 1 --run run.db \
    'test {} -ne 40 || until [ -e go.40 ]; do sleep 0.02; done; echo {}' \
    <list >"$out" 2>"$err" &
whole=$!
await 20
worker=$(rank_process 2)
kill -9 "$(parent_of "$worker")"
until grep -q '(1 of 1)' "$err" || ! kill -0 $whole; do sleep 0.02; done
>go.40
got=0
wait "$whole" || got=$?
[ "$got" -eq 0 ] || failed "status $got"
says "starting again from run file 'run.db' \(1 of 1\)"
sort -nu "$out" | cmp -s - list || failed "not each task"
[ "$("$rota" report --json run.db | grep -c '"outcome": "done"')" -eq 200 ] ||
    failed "not all are recorded as done"

# A launcher that is killed leaves its own files; nobody else knows which they are.
rm -rf "$TMPDIR"/ompi.*
