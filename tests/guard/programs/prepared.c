/* prepared.c - persistent collectives and partitioned messages, right and wrong
 *
 * Open MPI 4 has the collectives under names of its own, and no partitioned messages.
 */
#include <stdlib.h>
#include <unistd.h>

#include "cases.h"

#ifdef OPEN_MPI
#include <mpi-ext.h>
#define Allreduce_init MPIX_Allreduce_init
#define Barrier_init   MPIX_Barrier_init
#define Bcast_init     MPIX_Bcast_init
#else
#define Allreduce_init MPI_Allreduce_init
#define Barrier_init   MPI_Barrier_init
#define Bcast_init     MPI_Bcast_init
#endif

static int one = 1;
static int sum;

static void expect(int is, int should)
{
    if (is == should)
        return;
    printf("%d instead of %d\n", is, should);
    MPI_Abort(MPI_COMM_WORLD, 1);
}

static void prepare_sum(MPI_Comm comm, MPI_Request *request)
{
    Allreduce_init(&one, &sum, 1, MPI_INT, MPI_SUM, comm, MPI_INFO_NULL, request);
}

static void not_started(int rank, int size)
{
    MPI_Request request;
    prepare_sum(MPI_COMM_WORLD, &request);
    for (int i = 0; i < 2; i++) {
        if (i == 1 && rank == size - 1)
            return;
        MPI_Start(&request);
        MPI_Wait(&request, MPI_STATUS_IGNORE);
        MPI_Barrier(MPI_COMM_WORLD);
    }
}

/* Made in one order by both, started in another, and each waits at once. */
static void waited_for_in_another_order(int rank, int size)
{
    (void)size;
    MPI_Request requests[2];
    for (int i = 0; i < 2; i++)
        Barrier_init(MPI_COMM_WORLD, MPI_INFO_NULL, &requests[i]);
    for (int i = 0; i < 2; i++) {
        MPI_Start(&requests[i ^ rank]);
        MPI_Wait(&requests[i ^ rank], MPI_STATUS_IGNORE);
    }
}

static void roots_differ(int rank, int size)
{
    (void)size;
    int word = 0;
    MPI_Request request;
    Bcast_init(&word, 1, MPI_INT, 1 - rank, MPI_COMM_WORLD, MPI_INFO_NULL, &request);
    MPI_Start(&request);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
}

/* Started in any order, with others in between, some slow, over and over. */
static void collectives(int rank, int size)
{
    MPI_Request requests[3];
    MPI_Comm twin;
    int word = 7;
    MPI_Comm_dup(MPI_COMM_WORLD, &twin);
    prepare_sum(MPI_COMM_WORLD, &requests[0]);
    Barrier_init(MPI_COMM_WORLD, MPI_INFO_NULL, &requests[1]);
    Bcast_init(&word, 1, MPI_INT, 1, twin, MPI_INFO_NULL, &requests[2]);
    for (int round = 0; round < 6; round++) {
        for (int i = 0; i < 3; i++)
            MPI_Start(&requests[(i + rank) % 3]);
        if (rank == round % size)
            usleep(150000);
        MPI_Barrier(MPI_COMM_WORLD);
        MPI_Waitall(3, requests, MPI_STATUSES_IGNORE);
        expect(sum, size);
    }
    for (int i = 0; i < 3; i++)
        MPI_Request_free(&requests[i]);
    MPI_Comm_free(&twin);
}

#if MPI_VERSION >= 4
static int parts[2][4];

static void prepare_parts(int rank, int pair, MPI_Request *request)
{
    if (rank == 0)
        MPI_Psend_init(parts[pair], 4, 1, MPI_INT, 1, 0, MPI_COMM_WORLD, MPI_INFO_NULL,
                       request);
    else
        MPI_Precv_init(parts[pair], 4, 1, MPI_INT, 0, 0, MPI_COMM_WORLD, MPI_INFO_NULL,
                       request);
}

/* Rank 1 waits for what rank 0 never begins. */
static void parts_not_started(int rank, int size)
{
    (void)size;
    MPI_Request request;
    int got;
    prepare_parts(rank, 0, &request);
    if (rank == 0) {
        MPI_Recv(&got, 1, MPI_INT, 1, 5, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        return;
    }
    MPI_Start(&request);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
}

/* Two pairs alike, started in another order at either end. */
static void pairs(int rank, int size)
{
    (void)size;
    MPI_Request requests[2];
    int rest[] = {1, 3};
    for (int pair = 0; pair < 2; pair++)
        prepare_parts(rank, pair, &requests[pair]);
    for (int round = 0; round < 6; round++) {
        for (int i = 0; i < 2; i++)
            MPI_Start(&requests[i ^ rank]);
        for (int pair = 1; rank == 0 && pair >= 0; pair--) {
            for (int i = 0; i < 4; i++)
                parts[pair][i] = 10 * pair + round;
            usleep(100000);
            MPI_Pready(0, requests[pair]);
            MPI_Pready_range(2, 2, requests[pair]);
            MPI_Pready_list(2, rest, requests[pair]);
        }
        int there = rank == 0;
        while (!there)
            MPI_Parrived(requests[1], 3, &there);
        for (int pair = 1; pair >= 0; pair--) {
            MPI_Wait(&requests[pair], MPI_STATUS_IGNORE);
            expect(parts[pair][3], 10 * pair + round);
        }
    }
    for (int pair = 0; pair < 2; pair++)
        MPI_Request_free(&requests[pair]);
}
#endif

static const struct guard_case cases[] = {
    {"not-started", not_started},
    {"waited-for-in-another-order", waited_for_in_another_order},
    {"roots-differ", roots_differ},
    {"collectives", collectives},
#if MPI_VERSION >= 4
    {"parts-not-started", parts_not_started},
    {"pairs", pairs},
#endif
    {0},
};

int main(int argc, char **argv)
{
    return cases_main(argc, argv, cases, MPI_THREAD_SINGLE);
}
