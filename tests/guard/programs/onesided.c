/* onesided.c - programs that hang in one-sided communication */
#include "cases.h"

static int memory[16];

static MPI_Win window(void)
{
    MPI_Win win;
    MPI_Win_create(memory, sizeof(memory), sizeof(int), MPI_INFO_NULL, MPI_COMM_WORLD,
                   &win);
    return win;
}

static void create_missing(int rank, int size)
{
    if (rank == size - 1)
        return;
    MPI_Win win = window();
    MPI_Win_free(&win);
}

static void fence_missing(int rank, int size)
{
    int got;
    MPI_Win win = window();
    MPI_Win_fence(0, win);
    if (rank == size - 1)
        MPI_Recv(&got, 1, MPI_INT, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Win_fence(0, win);
    MPI_Win_free(&win);
}

/* Rank 0 waits for access that rank 1 does not give. */
static void no_post(int rank, int size)
{
    (void)size;
    MPI_Group world;
    MPI_Group other;
    int number = 1 - rank;
    MPI_Win win = window();
    MPI_Comm_group(MPI_COMM_WORLD, &world);
    MPI_Group_incl(world, 1, &number, &other);
    if (rank == 0) {
        int word = 1;
        MPI_Win_start(other, 0, win);
        MPI_Put(&word, 1, MPI_INT, 1, 0, 1, MPI_INT, win);
        MPI_Win_complete(win);
    }
    MPI_Win_free(&win);
}

/* Rank 1 gives access, and rank 0 does not say that it is done. */
static void no_complete(int rank, int size)
{
    (void)size;
    MPI_Group world;
    MPI_Group other;
    int number = 1 - rank;
    int got;
    MPI_Win win = window();
    MPI_Comm_group(MPI_COMM_WORLD, &world);
    MPI_Group_incl(world, 1, &number, &other);
    if (rank == 1) {
        MPI_Win_post(other, 0, win);
        MPI_Win_wait(win);
    } else {
        MPI_Win_start(other, 0, win);
        MPI_Recv(&got, 1, MPI_INT, 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        MPI_Win_complete(win);
    }
    MPI_Win_free(&win);
}

/* Rank 1 has the lock, and it is not that for which they wait. */
static void lock_held(int rank, int size)
{
    (void)size;
    int got = 0;
    MPI_Win win = window();
    if (rank == 1) {
        MPI_Win_lock(MPI_LOCK_EXCLUSIVE, 0, 0, win);
        MPI_Get(&got, 1, MPI_INT, 0, 0, 1, MPI_INT, win);
        MPI_Win_flush(0, win);
        MPI_Recv(&got, 1, MPI_INT, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        MPI_Win_unlock(0, win);
    } else {
        MPI_Recv(&got, 1, MPI_INT, 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    }
    MPI_Win_free(&win);
}

/* Rank 1 has the lock, and waits for rank 0, which wants it. */
static void lock_wanted(int rank, int size)
{
    (void)size;
    int got = 0;
    MPI_Win win = window();
    if (rank == 1) {
        MPI_Win_lock(MPI_LOCK_EXCLUSIVE, 0, 0, win);
        MPI_Get(&got, 1, MPI_INT, 0, 0, 1, MPI_INT, win);
        MPI_Win_flush(0, win);
        MPI_Send(&got, 1, MPI_INT, 0, 0, MPI_COMM_WORLD);
        MPI_Recv(&got, 1, MPI_INT, 0, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        MPI_Win_unlock(0, win);
    } else {
        MPI_Recv(&got, 1, MPI_INT, 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        MPI_Win_lock(MPI_LOCK_EXCLUSIVE, 0, 0, win);
        MPI_Put(&got, 1, MPI_INT, 0, 1, 1, MPI_INT, win);
        MPI_Win_unlock(0, win);
        MPI_Send(&got, 1, MPI_INT, 1, 1, MPI_COMM_WORLD);
    }
    MPI_Win_free(&win);
}

static const struct guard_case cases[] = {
    {"create-missing", create_missing},
    {"fence-missing", fence_missing},
    {"no-post", no_post},
    {"no-complete", no_complete},
    {"lock-held", lock_held},
    {"lock-wanted", lock_wanted},
    {0},
};

int main(int argc, char **argv)
{
    return cases_main(argc, argv, cases, MPI_THREAD_SINGLE);
}
