/* endings.c - programs in which a rank leaves that others still wait for */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "cases.h"

/* Who leaves while others are still in MPI_Init may take them along: that is no hang.
 */
static void begin(void)
{
    MPI_Barrier(MPI_COMM_WORLD);
}

static void wait_for_the_last(int rank, int size)
{
    int got;
    if (rank == 0)
        MPI_Recv(&got, 1, MPI_INT, size - 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

static void exit_early(int rank, int size)
{
    begin();
    if (rank == size - 1)
        exit(1);
    wait_for_the_last(rank, size);
}

static void exit_well(int rank, int size)
{
    begin();
    if (rank == size - 1)
        exit(0);
    wait_for_the_last(rank, size);
}

static void exit_hard(int rank, int size)
{
    begin();
    if (rank == size - 1)
        _exit(4);
    wait_for_the_last(rank, size);
}

/* As Python's sys.exit() does it. */
static void finalize_and_exit(int rank, int size)
{
    begin();
    if (rank == size - 1) {
        MPI_Finalize();
        exit(1);
    }
    wait_for_the_last(rank, size);
}

static void crash(int rank, int size)
{
    begin();
    if (rank == size - 1) {
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
    }
    wait_for_the_last(rank, size);
}

static void killed(int rank, int size)
{
    begin();
    if (rank == size - 1)
        raise(SIGKILL);
    wait_for_the_last(rank, size);
}

/* The others are in a barrier, and it comes later than they. */
static void exit_before_barrier(int rank, int size)
{
    begin();
    if (rank == size - 1) {
        usleep(300000);
        exit(5);
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

static const struct guard_case cases[] = {
    {"exit-early", exit_early},
    {"exit-well", exit_well},
    {"exit-hard", exit_hard},
    {"finalize-and-exit", finalize_and_exit},
    {"crash", crash},
    {"killed", killed},
    {"exit-before-barrier", exit_before_barrier},
    {0},
};

int main(int argc, char **argv)
{
    return cases_main(argc, argv, cases, MPI_THREAD_SINGLE);
}
