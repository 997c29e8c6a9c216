"""raw_futures.py - no-op tasks a second with mpi4py.futures

    mpiexec -n N python3 -m mpi4py.futures raw_futures.py CHUNK

Prints one line as load.c does: noop, tasks, seconds.
"""
import sys
import time

from mpi4py.futures import MPIPoolExecutor


def noop(payload):
    return payload + 1


def measure(pool, count, chunk):
    began = time.perf_counter()
    values = list(pool.map(noop, range(count), chunksize=chunk))
    seconds = time.perf_counter() - began
    if values != list(range(1, count + 1)):
        sys.exit("raw_futures: a wrong value")
    return seconds


def main():
    chunk = int(sys.argv[1])
    count = 500
    with MPIPoolExecutor() as pool:
        seconds = measure(pool, count, chunk)
        while seconds < 0.1:
            count *= 4
            seconds = measure(pool, count, chunk)
        count = int(count * 0.5 / seconds)
        seconds = measure(pool, count, chunk)
    print("noop", count, f"{seconds:.6f}", flush=True)


if __name__ == "__main__":
    main()
