#!/bin/sh
# hosts_run.sh BUILD - rota run --hosts, over two hosts without Slurm, by mpiexec
set -eu
here=$(cd "$(dirname "$0")" && pwd)
rota=$(cd "$1" && pwd)/rota
examples=$(cd "$here/../../examples" && pwd)
. "$here/alone.sh"
. "$here/hosts.sh"
. "$here/../system/check.sh"
hosts_up
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_plm_rsh_agent=$dir/agent OMPI_MCA_btl_tcp_if_include=$net.0/24
export OMPI_MCA_oob_tcp_if_include=$net.0/24
export HYDRA_LAUNCHER=rsh HYDRA_LAUNCHER_EXEC=$dir/agent UCX_TLS=tcp,self
export ROTA_SILENCE_MS=3000
seq 40 >"$dir/list"

rota_run() { # STATUS WORD...: rota run on host1
    status=$1
    shift
    run "$status" on host1 timeout 60 "$rota" run "$@"
}

both_worked() {
    for host in host1 host2; do
        grep -q " $host\$" "$out" || failed "$host has done nothing"
    done
    cut -d' ' -f1 "$out" | sort -n | cmp -s - "$dir/list" || failed "not every task, once"
}

begin "a rank on each host"
rota_run 0 --hosts host1,host2 'sleep 0.1; echo {} $(hostname)' :::: "$dir/list"
both_worked
rota_run 0 --hosts host2,host1 'sleep 0.1; echo {} $(hostname)' <"$dir/list"
both_worked
rota_run 0 --hosts host2 -j 3 -k 'hostname; : {} {%}' ::: 1 2
same "$out" 'host2\nhost2\n'

begin "the status of a rank 0 elsewhere, and of no rank 0"
rota_run 1 --hosts host2,host1 'exit {}' ::: 0 3
says 'task 2 exited with status 3: exit 3'
case $(basename "$1") in
*mpich) export ROTA_MPIEXEC=$dir/launcher ;; # its own waits for such a host for ever
esac
printf '#!/bin/sh\n[ "$1" != --version ] || exec echo HYDRA\nexit 1\n' >"$dir/launcher"
chmod +x "$dir/launcher"
rota_run 3 --hosts host1,nohost echo ::: a
unset ROTA_MPIEXEC
says '^rota: the run could not be completed: the launcher ended without a word of rank 0'

begin "so many ranks, with so many on each host"
rota_run 0 -n 3 --hosts host1:2,host2:1 'sleep 0.1; echo {} $(hostname)' :::: "$dir/list"
both_worked

begin "persistent programs"
rota_run 0 -k --hosts host1,host2 --worker "$examples/worker_square.sh" ::: 1 2 3 4
same "$out" '1\n4\n9\n16\n'

begin "more on standard input than a launcher passes on"
seq 60000 >"$dir/much"
rota_run 0 --hosts host1,host2 --pipe --block 50k 'wc -l' <"$dir/much"
[ "$(awk '{ sum += $1 } END { print sum }' "$out")" = 60000 ] || failed "not every line, once"

begin "a rank is killed on the other host"
rota_run 0 --hosts host1,host2 "[ \$(hostname) != host2 ] || ! mkdir $dir/once 2>$dir/mkdir ||
    kill -9 \$PPID; sleep 0.05; echo {}" :::: "$dir/list"
sort -n "$out" | cmp -s - "$dir/list" || failed "not every task, once"
[ -d "$dir/once" ] || failed "host2 has done nothing"
says 'rank [12] was killed by signal 9 \(SIGKILL\); [0-9]+ tasks? that it ran will run'

# mpiexec may or may not survive that: with all results, or with a reason.
begin "the other host crashes"
on host1 timeout 60 "$rota" run --hosts host1,host2 \
    "[ {} != 10 ] || touch $dir/begun; sleep 0.1; echo {} \$(hostname)" \
    :::: "$dir/list" >"$out" 2>"$err" &
await_file "$dir/begun"
crash host2 2
got=0
wait $! || got=$?
case $got in
0) both_worked ;;
3) says '^rota: the run could not be completed: ' ;;
*) failed "status $got" ;;
esac
