#!/bin/sh
# guard_hosts_run.sh BUILD - rota guard over two hosts without Slurm, by mpiexec
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
. "$here/alone.sh"
. "$here/hosts.sh"
. "$here/../system/check.sh"
. "$here/guard_cases.sh"
hosts_up
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_plm_rsh_agent=$dir/agent OMPI_MCA_btl_tcp_if_include=$net.0/24
export OMPI_MCA_oob_tcp_if_include=$net.0/24
export HYDRA_LAUNCHER=rsh HYDRA_LAUNCHER_EXEC=$dir/agent

guarded() { # STATUS WORD...
    status=$1
    shift
    run "$status" on host1 timeout 60 "$build/rota" guard -n 4 --hosts host1:2,host2:2 "$@"
}

guard_cases "$build"

# Cut off, its ranks are lost; and what the launcher makes of that counts for nothing.
begin "the other host is cut off"
on host1 timeout 60 "$build/rota" guard -n 4 --hosts host1:2,host2:2 --grace 0 -- \
    sh -c "touch $dir/begun; exec $build/tests/mpi_fail sleep" >"$out" 2>"$err" &
await_file "$dir/begun"
until grep -q 'Waiting for data' "$out"; do sleep 0.1; done
ip link set "r$tag-2" down
got=0
wait $! || got=$?
[ "$got" -eq 3 ] || failed "status $got"
says '^rota: rank [23] is lost, with its host or the parent above it; the others are ended$'
ip link set "r$tag-2" up
