/* requests.c - programs that wait for requests which do not end */
#include "cases.h"

static int data[8];

static void irecv(int from, int tag, MPI_Request *request)
{
    MPI_Irecv(&data[tag], 1, MPI_INT, from, tag, MPI_COMM_WORLD, request);
}

static void send(int to, int tag)
{
    int word = 1;
    MPI_Send(&word, 1, MPI_INT, to, tag, MPI_COMM_WORLD);
}

/* Rank 1 answers, rank 2 does not. */
static void waitall_one_missing(int rank, int size)
{
    (void)size;
    MPI_Request requests[2];
    if (rank == 1)
        send(0, 1);
    if (rank != 0)
        return;
    irecv(1, 1, &requests[0]);
    irecv(2, 2, &requests[1]);
    MPI_Waitall(2, requests, MPI_STATUSES_IGNORE);
}

static void waitall_twice_the_same(int rank, int size)
{
    (void)size;
    MPI_Request requests[2];
    if (rank == 1)
        send(0, 1);
    if (rank != 0)
        return;
    irecv(1, 1, &requests[0]);
    irecv(1, 1, &requests[1]);
    MPI_Waitall(2, requests, MPI_STATUSES_IGNORE);
}

static void waitany_none_possible(int rank, int size)
{
    (void)size;
    MPI_Request requests[2];
    int which;
    if (rank != 0)
        return;
    irecv(1, 1, &requests[0]);
    irecv(2, 2, &requests[1]);
    MPI_Waitany(2, requests, &which, MPI_STATUS_IGNORE);
}

static void waitsome_none_possible(int rank, int size)
{
    (void)size;
    MPI_Request requests[3] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL, MPI_REQUEST_NULL};
    int count;
    int which[3];
    if (rank != 0)
        return;
    irecv(1, 1, &requests[0]);
    irecv(2, 2, &requests[2]);
    MPI_Waitsome(3, requests, &count, which, MPI_STATUSES_IGNORE);
}

/* Three come, and then the fourth is waited for. */
static void waitany_once_too_often(int rank, int size)
{
    MPI_Request requests[4] = {MPI_REQUEST_NULL, MPI_REQUEST_NULL, MPI_REQUEST_NULL,
                               MPI_REQUEST_NULL};
    if (rank > 0) {
        send(0, rank);
        return;
    }
    for (int i = 0; i < size; i++)
        irecv((i + 1) % size, i == size - 1 ? 5 : i + 1, &requests[i]);
    for (int i = 0; i < size; i++) {
        int which;
        MPI_Waitany(size, requests, &which, MPI_STATUS_IGNORE);
    }
}

static void issend_unmatched(int rank, int size)
{
    (void)size;
    MPI_Request request;
    int word = 1;
    if (rank != 0)
        return;
    MPI_Issend(&word, 1, MPI_INT, 1, 0, MPI_COMM_WORLD, &request);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
}

/* Nine messages for ten rounds. */
static void persistent(int rank, int size)
{
    (void)size;
    MPI_Request request;
    int word = 0;
    if (rank == 0)
        MPI_Recv_init(&word, 1, MPI_INT, 1, 0, MPI_COMM_WORLD, &request);
    else
        MPI_Send_init(&word, 1, MPI_INT, 0, 0, MPI_COMM_WORLD, &request);
    for (int round = 0; round < 10 - rank; round++) {
        MPI_Start(&request);
        MPI_Wait(&request, MPI_STATUS_IGNORE);
    }
    MPI_Request_free(&request);
}

/* One part is never ready. */
static void partitioned(int rank, int size)
{
    (void)size;
#if MPI_VERSION >= 4
    MPI_Request request;
    if (rank == 0) {
        MPI_Psend_init(data, 4, 1, MPI_INT, 1, 0, MPI_COMM_WORLD, MPI_INFO_NULL,
                       &request);
        MPI_Start(&request);
        for (int part = 0; part < 3; part++)
            MPI_Pready(part, request);
    } else {
        MPI_Precv_init(data, 4, 1, MPI_INT, 0, 0, MPI_COMM_WORLD, MPI_INFO_NULL,
                       &request);
        MPI_Start(&request);
    }
    MPI_Wait(&request, MPI_STATUS_IGNORE);
    MPI_Request_free(&request);
#else
    (void)rank;
#endif
}

static void ibarrier_missing(int rank, int size)
{
    MPI_Request request;
    if (rank == size - 1)
        return;
    MPI_Ibarrier(MPI_COMM_WORLD, &request);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
}

/* Both are begun by all, in another order. */
static void icollectives_in_another_order(int rank, int size)
{
    (void)size;
    MPI_Request requests[2];
    int in = 1;
    int out;
    MPI_Iallreduce(&in, &out, 1, MPI_INT, MPI_SUM, MPI_COMM_SELF, &requests[0]);
    MPI_Wait(&requests[0], MPI_STATUS_IGNORE);
    if (rank == 0) {
        MPI_Ibcast(data, 1, MPI_INT, 1, MPI_COMM_WORLD, &requests[0]);
        MPI_Wait(&requests[0], MPI_STATUS_IGNORE);
    }
    MPI_Ireduce(&in, &out, 1, MPI_INT, MPI_SUM, 1, MPI_COMM_WORLD, &requests[0]);
    MPI_Wait(&requests[0], MPI_STATUS_IGNORE);
    if (rank == 1) {
        MPI_Ibcast(data, 1, MPI_INT, 1, MPI_COMM_WORLD, &requests[0]);
        MPI_Wait(&requests[0], MPI_STATUS_IGNORE);
    }
}

/* The second receive wants what the first one has taken. */
static void receive_behind_another(int rank, int size)
{
    (void)size;
    MPI_Request request;
    int got;
    if (rank == 1)
        send(0, 1);
    if (rank != 0)
        return;
    irecv(1, 1, &request);
    MPI_Recv(&got, 1, MPI_INT, 1, 1, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
}

static const struct guard_case cases[] = {
    {"waitall-one-missing", waitall_one_missing},
    {"waitall-twice-the-same", waitall_twice_the_same},
    {"waitany-none-possible", waitany_none_possible},
    {"waitany-once-too-often", waitany_once_too_often},
    {"waitsome-none-possible", waitsome_none_possible},
    {"issend-unmatched", issend_unmatched},
    {"persistent", persistent},
    {"partitioned", partitioned},
    {"ibarrier-missing", ibarrier_missing},
    {"icollectives-in-another-order", icollectives_in_another_order},
    {"receive-behind-another", receive_behind_another},
    {0},
};

int main(int argc, char **argv)
{
    return cases_main(argc, argv, cases, MPI_THREAD_SINGLE);
}
