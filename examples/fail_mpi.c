/* fail_mpi.c - what happens without Rota when a worker ends before it has sent
 *
 *     mpiexec -n 4 fail_mpi
 *
 * The notebook's mpi_fail.py in C, plain MPI. Worker 2 leaves as a Python program
 * under mpi4py does by sys.exit(1): a handler that runs at exit finalizes MPI, then
 * the process ends with status 1. MPI sees nothing wrong in that; the manager waits
 * for worker 2's message for ever. proof_of_hang shows it; fail.c is the same on Rota.
 */
#include <mpi.h>
#include <stdlib.h>

#include "work.h"

struct package {
    int rank;
    char task[32];
    struct value result;
};

static void say(const char *line)
{
    printf("%s\n", line);
    fflush(stdout); /* what is killed later has been seen */
}

static void print_package(const struct package *p)
{
    char id[32];
    char task[64];
    char result[32];
    snprintf(id, sizeof(id), "Worker %d", p->rank);
    printf("%-20s | %s | %15s\n", id, centred(p->task, 20, task, sizeof(task)),
           value_text(p->result, result, sizeof(result)));
    fflush(stdout);
}

static void manage(int size)
{
    say("\n#### PROCESS ID #### | ## ASSIGNED TASK ### | ### RESULT ####");
    say("-------------------------------------------------------------");
    for (int i = 1; i < size; i++) {
        struct package p;
        printf("Master: Waiting for data from Worker %d...\n", i);
        fflush(stdout);
        /* Here it hangs: worker 2 will never send. */
        MPI_Recv(&p, sizeof(p), MPI_BYTE, i, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        print_package(&p);
    }
    say("Master: Operation Complete.");
}

static void work(int rank)
{
    if (rank == 2) {
        say("DEBUG: Worker 2 has encountered a fatal error and is exiting...");
        exit(1);
    }
    const struct work w = {rank * 10, "+-/*"[rank % 4], 2};
    struct package p = {.rank = rank, .result = work_do(w)};
    work_text(w, p.task, sizeof(p.task));
    MPI_Send(&p, sizeof(p), MPI_BYTE, 0, 0, MPI_COMM_WORLD);
}

static void finalize(void)
{
    MPI_Finalize();
}

int main(int argc, char **argv)
{
    int rank;
    int size;
    MPI_Init(&argc, &argv);
    atexit(finalize); /* as mpi4py does */
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (rank == 0)
        manage(size);
    else
        work(rank);
    return 0;
}
