#!/bin/sh
# guard_slurm_run.sh BUILD - rota guard in allocations of a Slurm with two nodes
#
# srun starts the ranks, which nobody has to say; rota guard stands beside the nodes, as on
# a login node.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
. "$here/alone.sh"
. "$here/hosts.sh"
. "$here/slurm.sh"
. "$here/../system/check.sh"
. "$here/guard_cases.sh"
hosts_up
slurm_up 2 2
export OMPI_MCA_btl_tcp_if_include=$net.0/24 OMPI_MCA_oob_tcp_if_include=$net.0/24

guarded() { # STATUS WORD...
    status=$1
    shift
    run "$status" timeout 60 salloc -Q -N2 --exclusive "$build/rota" guard -n 4 "$@"
}

guard_cases "$build"

begin "rota exec, and srun before it"
run 0 timeout 60 salloc -Q -N2 --exclusive "$build/rota" exec -n 4 hostname
[ "$(sort "$out" | tr '\n' ,)" = host1,host1,host2,host2, ] || failed "other hosts"
run 2 timeout 60 srun -N2 -n2 "$build/rota" guard -n 2 -- true
says 'srun has started this as 2 processes, each of which would start all ranks'

begin "who is asked to stop stops on both nodes"
salloc -Q -N2 --exclusive "$build/rota" guard -n 4 -- "$build/tests/mpi_fail" sleep \
    >"$out" 2>"$err" &
until grep -q 'Waiting for data' "$out"; do sleep 0.1; done
kill -TERM "$(pgrep -P $!)"
got=0
wait $! || got=$?
[ "$got" -eq 143 ] || failed "status $got instead of 143"
! grep -q '^rota: ' "$err" || failed "somebody is accused"
none_left

# Rank 1's, that is. srun would wait for minutes until Slurm has declared the node down.
begin "a node crashes"
SLURM_DISTRIBUTION=cyclic timeout 100 salloc -Q -N2 --exclusive --no-kill "$build/rota" guard -n 4 --grace 0 -- \
    "$build/tests/mpi_fail" sleep >"$out" 2>"$err" &
until grep -q 'Waiting for data' "$out"; do sleep 0.1; done
sleep 2 # srun hears later than the ranks that all are started, and gives up if it does not
began=$(date +%s)
crash host2 2
got=0
wait $! || got=$?
[ "$got" -eq 3 ] || failed "status $got"
says '^rota: rank [13] is lost, with its host or the parent above it; the others are ended$'
[ $(($(date +%s) - began)) -lt 60 ] || failed "srun was waited for"
