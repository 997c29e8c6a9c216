# slurm.sh - for scripts of this folder to read: Slurm on the two hosts of hosts.sh
#
# slurmctld runs on this machine, as a login node would have it; host1 and host2 run a
# slurmd each, and have as many CPUs as is said. For scripts that are alone (alone.sh),
# which ends all of it.
#
#     slurm_up CPUS1 CPUS2
#     slurm_ready          wait until both nodes are idle
#     slurmd_pid HOST
for program in munged slurmctld slurmd srun; do
    [ -n "$(PATH=$PATH:/usr/sbin:/sbin command -v $program)" ] || {
        echo "$0: needs $program: apt-get install slurmctld slurmd slurm-client munge" >&2
        exit 77
    }
done
PATH=$PATH:/usr/sbin:/sbin
export SLURM_CONF=$dir/slurm.conf

munge_up() {
    mkdir -m 755 "$dir/munge"
    dd if=/dev/urandom of="$dir/munge/key" bs=128 count=1 status=none
    chmod 600 "$dir/munge/key"
    chown -R munge: "$dir/munge"
    runuser -u munge -- munged --key-file="$dir/munge/key" --socket="$dir/munge/socket" \
        --pid-file="$dir/munge/pid" --log-file="$dir/munge/log" \
        --seed-file="$dir/munge/seed"
}

configure() { # CPUS1 CPUS2
    cat >"$SLURM_CONF" <<END
ClusterName=rota
SlurmctldHost=$(hostname)($net.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge/socket
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool.%n
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.%n.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
SlurmdTimeout=10
KillWait=5
NodeName=host1 NodeAddr=$net.11 CPUs=$1 State=UNKNOWN
NodeName=host2 NodeAddr=$net.12 CPUs=$2 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
END
    echo "PMIxCliTmpDirBase=$TMPDIR" >"$dir/mpi.conf"
    echo 'CgroupAutomount=no' >"$dir/cgroup.conf"
    mkdir "$dir/state" "$dir/spool.host1" "$dir/spool.host2"
}

slurmd_pid() { # HOST
    cat "$dir/slurmd.$1.pid"
}

slurm_up() { # CPUS1 CPUS2
    mount --bind "$dir/hosts" /etc/hosts
    munge_up
    configure "$1" "$2"
    slurmctld -c
    on host1 slurmd -N host1
    on host2 slurmd -N host2
    slurm_ready
}

# Wait until both nodes are idle.
slurm_ready() {
    for _ in $(seq 300); do
        [ "$(sinfo -h -t idle -o %D 2>/dev/null)" != 2 ] || return 0
        sleep 0.1
    done
    echo "$0: Slurm does not come up:" >&2
    tail -n 5 "$dir"/slurm*.log >&2
    exit 1
}
