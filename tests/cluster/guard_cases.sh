# guard_cases.sh - for scripts of this folder to read: rota guard over two hosts
#
#     guard_cases BUILD     what must be so wherever the ranks are started
#
# guarded STATUS WORD... is the script's own: rota guard, with two ranks on each of host1
# and host2, as one would start it there. The MPIs' own words on standard error are let be.
tests=$here/..

# MPICH's ranks speak to each other by shared memory, and not from host to host by TCP:
# over that, before 4.2, it may hang in MPI_Finalize by its own fault (docs/cluster.md).
# UCX finds its peers' memory through /proc, where these hosts are one. What is tried here
# is the guard, whose lines are TCP.
export UCX_TLS=self,posix

# Nothing of a guarded program is left.
none_left() {
    for host in host1 host2; do
        for pid in $(ip netns pids "$(host_space $host)"); do
            words=$({ tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null) || continue
            case $words in
            *guard-rank* | *mpi_fail* | *programs/*) failed "$host goes on: $words" ;;
            esac
        done
    done
}

# The hosts of the ranks that a report with --verbose tells of.
on_both() {
    says '^    rank 0 on host1, process'
    says '^    rank [1-3] on host2, process'
}

guard_cases() { # BUILD
    fail=$1/tests/mpi_fail
    begin "a rank leaves on the other host"
    for how in exit quit kill; do
        guarded 3 --verbose -- "$fail" $how
        says "rank 0 waits for rank 2, which can't answer"
        says 'MPI_Recv at mpi_fail.c:'
        on_both
        none_left
    done

    begin "a rank dies, and the others would go on"
    guarded 137 -- "$fail" slow-kill
    says '^rota: rank 2 was killed by signal 9 \(SIGKILL\); the others are ended$'
    none_left

    begin "everyone waits for the next, across hosts"
    guarded 3 -- "$1/tests/guard/programs/messages" ring
    says "ranks 0-3 wait for each other in a circle"
    none_left

    begin "a time limit"
    guarded 3 --timeout 4 -- "$fail" sleep
    says '^rota: the time limit is over after .*; nothing is known to hang$'
    none_left

    begin "a program that is well"
    guarded 0 -- "$1/examples/success"
    grep -q '^Process 3 .* 295 ' "$out" || failed "the output is another"
    guarded 0 -- "$1/tests/guard/programs/correct" long-sleep
    guarded 7 -- sh -c 'exit 7'

    # Debian's mpi4py is Open MPI's.
    if ldd "$fail" | grep -q openmpi; then
        begin "the notebook's programs"
        guarded 3 -- /usr/bin/python3 "$tests/guard/mpi_fail.py"
        says "rank 0 waits for rank 2, which can't answer"
        says 'mpi_fail.py:19'
        guarded 0 -- /usr/bin/python3 "$tests/guard/mpi_success.py"
        grep -q '^Process 3 .* 295 ' "$out" || failed "the output is another"
        none_left
    fi
}
