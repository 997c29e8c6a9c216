/* mpi_fail.c - mpi_fail.py in C: a worker leaves before it has sent its data
 *
 *     mpi_fail [HOW]     exit (the default: by exit(1), after MPI_Finalize), quit (by
 *                        exit(1) without it), kill or segv; or sleep: worker 1 is slow,
 *                        and nobody leaves; or slow-kill: it is slow, and 2 is killed
 */
#include <mpi.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void leave(const char *how)
{
    printf("DEBUG: Worker 2 has encountered a fatal error and is exiting...\n");
    fflush(stdout);
    if (strcmp(how, "exit") == 0)
        MPI_Finalize();
    if (strstr(how, "kill") != NULL)
        raise(SIGKILL);
    if (strcmp(how, "segv") == 0)
        raise(SIGSEGV);
    exit(1);
}

static void gather(int size)
{
    for (int i = 1; i < size; i++) {
        int result;
        printf("Master: Waiting for data from Worker %d...\n", i);
        fflush(stdout);
        MPI_Recv(&result, 1, MPI_INT, i, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        printf("Worker %d: %d\n", i, result);
    }
    printf("Master: Operation Complete.\n");
}

int main(int argc, char **argv)
{
    int rank;
    int size;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    const char *how = argc > 1 ? argv[1] : "exit";
    if (strcmp(how, "exit") != 0) /* not in the midst of the others' MPI_Init */
        MPI_Barrier(MPI_COMM_WORLD);
    if (rank == 0) {
        gather(size);
    } else {
        int result = 10 * rank;
        bool slow = strcmp(how, "sleep") == 0 || strcmp(how, "slow-kill") == 0;
        if (rank == 2 && strcmp(how, "sleep") != 0)
            leave(how);
        if (slow && rank == 1)
            sleep(60);
        MPI_Send(&result, 1, MPI_INT, 0, 0, MPI_COMM_WORLD);
    }
    MPI_Finalize();
    return 0;
}
