"""python.py - hangs and ends in Python, by mpi4py"""

import sys
import time

from mpi4py import MPI

comm = MPI.COMM_WORLD
rank = comm.Get_rank()
size = comm.Get_size()


def exit_early():
    """The last rank leaves, and rank 0 waits for what it would have sent."""
    if rank == size - 1:
        sys.exit(1)
    if rank == 0:
        comm.recv(source=size - 1, tag=1)


def raise_early():
    """The same by an exception that nobody catches."""
    if rank == size - 1:
        raise ValueError("no data")
    if rank == 0:
        comm.recv(source=size - 1, tag=1)


def ring():
    comm.recv(source=(rank - 1) % size)
    comm.send(rank, dest=(rank + 1) % size)


def ssend_head_to_head():
    comm.ssend(rank, dest=1 - rank)
    comm.recv(source=1 - rank)


def barrier_skipped():
    if rank < size - 1:
        comm.Barrier()


def bcast_against_reduce():
    if rank == 0:
        comm.bcast(None, root=1)
    else:
        comm.reduce(1, root=1)


def any_source_once_too_often():
    if rank > 0:
        comm.send({"rank": rank}, dest=0, tag=rank)
        return
    for _ in range(size):
        comm.recv(source=MPI.ANY_SOURCE, tag=MPI.ANY_TAG)


def objects():
    """Objects of all sizes go round; rank 1 takes its time."""
    for power in range(0, 22, 3):
        data = {"bytes": b"x" * (1 << power), "from": rank}
        if rank == 1 and power == 9:
            time.sleep(1)
        got = comm.sendrecv(data, dest=(rank + 1) % size, source=(rank - 1) % size)
        assert got["from"] == (rank - 1) % size and len(got["bytes"]) == 1 << power
    total = comm.allreduce(rank)
    assert total == size * (size - 1) // 2


def polling():
    """As mpi4py's users write it, with a sleep."""
    if rank == 1:
        time.sleep(1)
        comm.send("late", dest=0)
    if rank == 0:
        request = comm.irecv(source=1)
        while not request.test()[0]:
            time.sleep(0.05)


globals()[sys.argv[1].replace("-", "_")]()
