#!/bin/sh
# slurm_run.sh BUILD - rota run in allocations of a Slurm with two nodes
#
# host1 has two CPUs and host2 one. The front runs beside the nodes, as on a login node,
# or in a batch script on host1.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
rota=$(cd "$1" && pwd)/rota
examples=$(cd "$here/../../examples" && pwd)
. "$here/alone.sh"
. "$here/hosts.sh"
. "$here/slurm.sh"
. "$here/../system/check.sh"
hosts_up
slurm_up 2 1
export OMPI_MCA_btl_tcp_if_include=$net.0/24 OMPI_MCA_oob_tcp_if_include=$net.0/24
export UCX_TLS=tcp,self ROTA_SILENCE_MS=3000
seq 60 >"$dir/list"

login() { # STATUS WORD...: rota run in an allocation of both nodes
    status=$1
    shift
    run "$status" timeout 60 salloc -Q -N2 --exclusive "$rota" run "$@"
}

batch() { # FILE...: sbatch's options and a script's lines; its outputs are $out and $err
    { echo '#!/bin/sh' && printf '%s\n' "$@"; } >"$dir/job"
    timeout 120 sbatch --wait -Q -D "$dir" -N2 --exclusive --no-kill -o "$dir/job.out" \
        -e "$dir/job.err" "$dir/job" || return $?
}

is_complete() {
    cut -d' ' -f1 "$out" | sort -n | cmp -s - "$dir/list" || failed "not every task, once"
}

begin "a rank a node, as many slots as it has CPUs"
login 0 'sleep 0.05; echo {} $(hostname) {%}' :::: "$dir/list"
is_complete
[ "$(cut -d' ' -f2,3 "$out" | sort -u | tr '\n' ,)" = 'host1 1,host1 2,host2 1,' ] ||
    failed "other slots than CPUs"
login 0 -j 2 'sleep 0.05; echo {} $(hostname) {%}' <"$dir/list"
is_complete
grep -q 'host2 2$' "$out" || failed "-j is not heeded"

begin "the allocation's part of a node"
run 0 timeout 60 salloc -Q -n 2 -N2 "$rota" run 'sleep 0.05; echo {} $(hostname) {%}' \
    :::: "$dir/list"
[ "$(cut -d' ' -f2,3 "$out" | sort -u | tr '\n' ,)" = 'host1 1,host2 1,' ] ||
    failed "other slots than allocated CPUs"

begin "one node, some hosts, this machine"
run 0 timeout 60 salloc -Q -N1 -w host1 "$rota" run 'hostname; : {}' ::: a
same "$out" 'host1\n'
login 0 --hosts host2 'hostname; : {}' ::: a
same "$out" 'host2\n'
login 0 --hosts : 'hostname; : {}' ::: a
same "$out" '%s\n' "$(hostname)"

begin "statuses, and persistent programs"
login 1 -k 'exit {}' ::: 0 3
says 'task 2 exited with status 3: exit 3'
login 0 -k --worker "$examples/worker_square.sh" ::: 1 2 3 4
same "$out" '1\n4\n9\n16\n'

begin "srun is not to be put before it"
run 2 timeout 60 srun -N2 -n2 "$rota" run echo ::: a
says 'srun has started this as 2 processes, each of which would do everything'
run 0 timeout 60 srun -N1 -n1 "$rota" run echo ::: a
same "$out" 'a\n'

begin "in a batch script, whose tasks are not rota's"
batch '#SBATCH --ntasks-per-node=1 --cpus-per-task=1' \
    "$rota run 'sleep 0.05; echo {} \$(hostname)' :::: $dir/list"
mv "$dir/job.out" "$out"
is_complete
grep -q ' host2$' "$out" || failed "host2 has done nothing"

begin "a rank is killed"
login 0 "[ \$(hostname) != host2 ] || ! mkdir $dir/once 2>$dir/mkdir || kill -9 \$PPID
    sleep 0.05; echo {}" :::: "$dir/list"
is_complete
says 'rank 1 was killed by signal 9 \(SIGKILL\); [0-9]+ tasks? that it ran will run'

begin "the doctor tries what rota run does"
run 0 timeout 100 salloc -Q -N2 --exclusive "$rota" doctor
grep -q '^start       ok  4 of 4 ranks met, on host1 host2' "$out" || failed "no ranks met"
grep -q '^survivors   ok' "$out" || failed "none survived"
grep -q '^slots .* a rank on each of 2 nodes' "$out" || failed "other slots"

# As a site's own script for srun may have it, whatever flags it is given.
begin "a step is ended because a rank's parent was killed, and begins again"
mkdir "$dir/strict"
cat >"$dir/strict/srun" <<END
#!/bin/bash
for word; do
    shift
    case \$word in
    --kill-on-bad-exit=0) set -- "\$@" --kill-on-bad-exit=1 ;;
    --no-kill) ;;
    *) set -- "\$@" "\$word" ;;
    esac
done
exec $(command -v srun) "\$@"
END
chmod +x "$dir/strict/srun"
PATH=$dir/strict:$PATH login 0 --restarts 2 --retries 3 --run "$dir/strict.db" \
    "[ {} != 30 ] || ! mkdir $dir/struck 2>$dir/mkdir || kill -9 \$(ps -o ppid= -p \$PPID)
    sleep 0.1; echo {}" :::: "$dir/list"
says "starting again from run file '$dir/strict.db' \(1 of 2\)"
sort -nu "$out" | cmp -s - "$dir/list" || failed "not every task"

begin "who is asked to stop stops on both nodes"
salloc -Q -N2 --exclusive "$rota" run "touch $dir/begun; exec sleep 997; : {}" \
    :::: "$dir/list" >"$out" 2>"$err" &
await_file "$dir/begun"
kill -TERM "$(pgrep -P $!)"
got=0
wait $! || got=$?
[ "$got" -eq 143 ] || failed "status $got instead of 143"
says 'asked to stop( \(SIGINT\): no more tasks|; [0-9]+ tasks)'
for host in host1 host2; do
    for pid in $(ip netns pids "$(host_space $host)"); do
        ! grep -qz '^997$' "/proc/$pid/cmdline" 2>/dev/null || failed "$host goes on"
    done
done

# As when its time is over: SIGTERM to all processes of the step, the commands' too.
begin "an allocation is taken away, and the next one goes on"
timeout 60 salloc -Q -N2 --exclusive "$rota" run --run "$dir/taken.db" \
    "[ {} != 20 ] || touch $dir/under; sleep 0.2; echo {}" :::: "$dir/list" \
    >"$dir/taken.out" 2>"$dir/taken.err" &
taken=$!
await_file "$dir/under"
run 0 on host2 "$rota" status "$dir/taken.db"
grep -Eq '^state +runs for 0:00:' "$out" || failed "not seen to run from host2"
scancel "$(squeue -h -o %A)"
got=0
wait $taken || got=$?
cp "$dir/taken.out" "$out"
cp "$dir/taken.err" "$err"
[ "$got" -eq 3 ] || failed "status $got"
says 'asked to stop; [0-9]+ tasks left undone'
says "'rota resume $dir/taken.db' goes on"
slurm_ready
run 0 timeout 60 salloc -Q -N1 -w host2 "$rota" resume "$dir/taken.db"
cat "$dir/taken.out" >>"$out"
is_complete

slow="[ {} != 20 ] || touch $dir/begun; sleep 0.1; echo {} \$(hostname)"

begin "a slurmd is killed"
rm -f "$dir/begun"
timeout 100 salloc -Q -N2 --exclusive --no-kill "$rota" run "$slow" :::: "$dir/list" \
    >"$out" 2>"$err" &
await_file "$dir/begun"
kill -9 "$(slurmd_pid host2)"
got=0
wait $! || got=$?
[ "$got" -eq 0 ] || failed "status $got"
is_complete
on host2 slurmd -N host2
slurm_ready

begin "a node crashes"
rm -f "$dir/begun" "$dir/job.out" "$dir/job.err"
began=$(date +%s)
batch "$rota run \"$(echo "$slow" | sed 's/[$"]/\\&/g')\" :::: $dir/list; echo status \$? >&2
    date +%s >$dir/ended" >"$dir/sbatch" 2>&1 &
await_file "$dir/begun"
crash host2 2
await_file "$dir/ended"
cp "$dir/job.out" "$out"
cp "$dir/job.err" "$err"
says '^status 0$'
says 'rank 1 vanished; [0-9]+ tasks? that it ran will run elsewhere'
is_complete
[ $(($(cat "$dir/ended") - began)) -lt 60 ] || failed "srun was waited for"
