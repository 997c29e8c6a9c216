/* verdict_once.c - mpi_fail.c that tells when: each rank prints the moment
 * (nanoseconds, CLOCK_MONOTONIC) before each of its calls to MPI, so the greatest is
 * the last call's
 *
 * Rank 0 receives from all in turn; rank 2 leaves, by exit(1) after MPI_Finalize,
 * before it has sent.
 */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void tell(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    printf("call %lld\n", (long long)t.tv_sec * 1000000000 + t.tv_nsec);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    int rank;
    int size;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    for (int i = 1; rank == 0 && i < size; i++) {
        int result;
        tell();
        MPI_Recv(&result, 1, MPI_INT, i, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    }
    if (rank != 0 && rank != 2) {
        int result = 10 * rank;
        tell();
        MPI_Send(&result, 1, MPI_INT, 0, 0, MPI_COMM_WORLD);
    }
    tell();
    MPI_Finalize();
    return rank == 2;
}
