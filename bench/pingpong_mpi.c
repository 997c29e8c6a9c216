/* pingpong_mpi.c - 8 bytes to and fro between two ranks, in plain MPI
 *
 *     mpiexec -n 2 pingpong_mpi [ROUND_TRIPS]      prints microseconds a round trip
 */
#include <mpi.h>

#include "pingpong.h"

static void trip(int rank, char *payload)
{
    int other = 1 - rank;
    if (rank == 0)
        MPI_Send(payload, PAYLOAD_BYTES, MPI_BYTE, other, 0, MPI_COMM_WORLD);
    MPI_Recv(payload, PAYLOAD_BYTES, MPI_BYTE, other, 0, MPI_COMM_WORLD,
             MPI_STATUS_IGNORE);
    if (rank == 1)
        MPI_Send(payload, PAYLOAD_BYTES, MPI_BYTE, other, 0, MPI_COMM_WORLD);
}

int main(int argc, char **argv)
{
    int rank;
    int trips = batch_size(argc, argv);
    char payload[PAYLOAD_BYTES] = {0};
    int64_t ns[BATCHES];
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    for (int b = 0; b < BATCHES; b++) {
        int64_t begin = clock_now_ns();
        for (int i = 0; i < trips; i++)
            trip(rank, payload);
        ns[b] = clock_now_ns() - begin;
    }
    if (rank == 0)
        print_median(ns, trips);
    MPI_Finalize();
    return 0;
}
