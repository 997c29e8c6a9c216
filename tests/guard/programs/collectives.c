/* collectives.c - programs in which not all come, or not to the same call */
#include "cases.h"

static int in = 1;
static int out[64];

/* The last rank thinks it is done. */
static void barrier_skipped(int rank, int size)
{
    if (rank < size - 1)
        MPI_Barrier(MPI_COMM_WORLD);
}

static void barrier_against_receive(int rank, int size)
{
    (void)size;
    if (rank == 1)
        MPI_Recv(out, 1, MPI_INT, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Barrier(MPI_COMM_WORLD);
}

/* One round more than the others. */
static void one_round_more(int rank, int size)
{
    (void)size;
    int rounds = rank == 0 ? 101 : 100;
    for (int i = 0; i < rounds; i++)
        MPI_Allreduce(&in, out, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
}

static void bcast_against_reduce(int rank, int size)
{
    (void)size;
    if (rank == 0)
        MPI_Bcast(out, 1, MPI_INT, 1, MPI_COMM_WORLD);
    else
        MPI_Reduce(&in, out, 1, MPI_INT, MPI_SUM, 1, MPI_COMM_WORLD);
}

static void roots_differ(int rank, int size)
{
    (void)size;
    MPI_Bcast(out, 1, MPI_INT, 1 - rank, MPI_COMM_WORLD);
}

/* Two communicators of the same ranks, in another order. */
static void communicators_crossed(int rank, int size)
{
    (void)size;
    MPI_Comm a;
    MPI_Comm b;
    MPI_Comm_dup(MPI_COMM_WORLD, &a);
    MPI_Comm_dup(MPI_COMM_WORLD, &b);
    MPI_Barrier(rank == 0 ? a : b);
    MPI_Barrier(rank == 0 ? b : a);
    MPI_Comm_free(&a);
    MPI_Comm_free(&b);
}

/* Rows and columns of a square: the ranks of one row wait for a column first. */
static void rows_and_columns(int rank, int size)
{
    (void)size;
    MPI_Comm row;
    MPI_Comm column;
    MPI_Comm_split(MPI_COMM_WORLD, rank / 2, rank, &row);
    MPI_Comm_split(MPI_COMM_WORLD, rank % 2, rank, &column);
    /* 0 and 1 are a row, 2 and 3 the other: 0 -> 1 -> 3 -> 2 -> 0 */
    MPI_Barrier(rank == 0 || rank == 3 ? row : column);
    MPI_Barrier(rank == 0 || rank == 3 ? column : row);
    MPI_Comm_free(&row);
    MPI_Comm_free(&column);
}

static void split_missing(int rank, int size)
{
    MPI_Comm half;
    if (rank == size - 1)
        return;
    MPI_Comm_split(MPI_COMM_WORLD, rank % 2, rank, &half);
    MPI_Comm_free(&half);
}

static void dup_against_receive(int rank, int size)
{
    MPI_Comm other;
    if (rank == size - 1)
        MPI_Recv(out, 1, MPI_INT, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Comm_dup(MPI_COMM_WORLD, &other);
    MPI_Comm_free(&other);
}

/* The root waits for somebody before it scatters. */
static void scatter_behind_receive(int rank, int size)
{
    (void)size;
    if (rank == 0)
        MPI_Recv(out, 1, MPI_INT, 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Scatter(out, 1, MPI_INT, &in, 1, MPI_INT, 0, MPI_COMM_WORLD);
    if (rank == 1)
        MPI_Send(out, 1, MPI_INT, 0, 0, MPI_COMM_WORLD);
}

static void gather_missing(int rank, int size)
{
    if (rank < size - 1)
        MPI_Gather(&in, 1, MPI_INT, out, 1, MPI_INT, 0, MPI_COMM_WORLD);
}

static void alltoall_missing(int rank, int size)
{
    int all[64] = {0};
    if (rank < size - 1)
        MPI_Alltoall(all, 1, MPI_INT, out, 1, MPI_INT, MPI_COMM_WORLD);
}

static void scan_missing(int rank, int size)
{
    (void)size;
    if (rank > 0)
        MPI_Scan(&in, out, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
}

/* Half of the ranks have a communicator of their own, and one of them does not come. */
static void sub_barrier_missing(int rank, int size)
{
    MPI_Comm half;
    MPI_Comm_split(MPI_COMM_WORLD, rank % 2, rank, &half);
    if (rank == size - 1)
        return;
    MPI_Barrier(half);
    MPI_Comm_free(&half);
}

static void file_open_missing(int rank, int size)
{
    (void)size;
    MPI_File file;
    if (rank == 0 && MPI_File_open(MPI_COMM_WORLD, "/dev/null", MPI_MODE_RDONLY,
                                   MPI_INFO_NULL, &file) == MPI_SUCCESS)
        MPI_File_close(&file);
}

/* Between two groups, of which one has a member that does not come. */
static void intercommunicator(int rank, int size)
{
    MPI_Comm group;
    MPI_Comm both;
    int half = rank < size / 2 ? 0 : 1;
    MPI_Comm_split(MPI_COMM_WORLD, half, rank, &group);
    MPI_Intercomm_create(group, 0, MPI_COMM_WORLD, half == 0 ? size / 2 : 0, 5, &both);
    if (rank < size - 1)
        MPI_Allreduce(&in, out, 1, MPI_INT, MPI_SUM, both);
    MPI_Barrier(group);
}

static const struct guard_case cases[] = {
    {"barrier-skipped", barrier_skipped},
    {"barrier-against-receive", barrier_against_receive},
    {"one-round-more", one_round_more},
    {"bcast-against-reduce", bcast_against_reduce},
    {"roots-differ", roots_differ},
    {"communicators-crossed", communicators_crossed},
    {"rows-and-columns", rows_and_columns},
    {"split-missing", split_missing},
    {"dup-against-receive", dup_against_receive},
    {"scatter-behind-receive", scatter_behind_receive},
    {"gather-missing", gather_missing},
    {"alltoall-missing", alltoall_missing},
    {"scan-missing", scan_missing},
    {"sub-barrier-missing", sub_barrier_missing},
    {"file-open-missing", file_open_missing},
    {"intercommunicator", intercommunicator},
    {0},
};

int main(int argc, char **argv)
{
    return cases_main(argc, argv, cases, MPI_THREAD_SINGLE);
}
