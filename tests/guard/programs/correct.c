/* correct.c - programs that end, though some look as if they would not
 *
 * None of them may be accused. Each checks what it gets, and ends with 1 if that is
 * wrong: being watched must not change it.
 */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cases.h"

enum {
    MUCH = 4 << 20, /* 16 MiB of int */
};

static void expect(int is, int should)
{
    if (is == should)
        return;
    fprintf(stderr, "%d instead of %d\n", is, should);
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void compute(double seconds)
{
    double until = now() + seconds;
    while (now() < until)
        ;
}

static void send(int value, int to, int tag)
{
    MPI_Send(&value, 1, MPI_INT, to, tag, MPI_COMM_WORLD);
}

static int receive(int from, int tag)
{
    int value = -1;
    MPI_Recv(&value, 1, MPI_INT, from, tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    return value;
}

/* All wait for one that computes. */
static void long_computation(int rank, int size)
{
    if (rank == 1) {
        compute(1.5);
        send(7, 0, 0);
    }
    if (rank == 0)
        expect(receive(1, 0), 7);
    int sum;
    MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    expect(sum, size * (size - 1) / 2);
}

static void long_sleep(int rank, int size)
{
    (void)size;
    if (rank == 1)
        sleep(2);
    MPI_Barrier(MPI_COMM_WORLD);
}

/* One waits for somebody to type something. */
static void input(int rank, int size)
{
    (void)size;
    int value = 0;
    if (rank == 0 && scanf("%d", &value) != 1)
        exit(1);
    MPI_Bcast(&value, 1, MPI_INT, 0, MPI_COMM_WORLD);
    expect(value, 42);
}

static void poll_iprobe(int rank, int size)
{
    (void)size;
    int found = 0;
    if (rank == 1) {
        sleep(1);
        send(3, 0, 9);
    }
    while (rank == 0 && !found)
        MPI_Iprobe(MPI_ANY_SOURCE, 9, MPI_COMM_WORLD, &found, MPI_STATUS_IGNORE);
    if (rank == 0)
        expect(receive(MPI_ANY_SOURCE, 9), 3);
}

static void poll_test(int rank, int size)
{
    (void)size;
    int value = 0;
    int done = 0;
    MPI_Request request;
    if (rank == 1) {
        sleep(1);
        send(3, 0, 9);
    }
    if (rank == 0)
        MPI_Irecv(&value, 1, MPI_INT, 1, 9, MPI_COMM_WORLD, &request);
    while (rank == 0 && !done)
        MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (rank == 0)
        expect(value, 3);
}

static void big_messages(int rank, int size)
{
    int right = (rank + 1) % size;
    int left = (rank + size - 1) % size;
    int *out = calloc(MUCH, sizeof(*out));
    int *in = calloc(MUCH, sizeof(*in));
    for (int round = 0; round < 8; round++) {
        out[MUCH - 1] = rank + round;
        MPI_Sendrecv(out, MUCH, MPI_INT, right, 0, in, MUCH, MPI_INT, left, 0,
                     MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        expect(in[MUCH - 1], left + round);
    }
    free(out);
    free(in);
}

/* Head to head, as send_head_to_head does it; but what is small is buffered. */
static void small_head_to_head(int rank, int size)
{
    int other = size - 1 - rank;
    for (int round = 0; round < 1000; round++) {
        send(round, other, 0);
        expect(receive(other, 0), round);
    }
}

/* As many tags as rounds: more than anybody counts by themselves. */
static void many_tags(int rank, int size)
{
    int other = size - 1 - rank;
    for (int round = 0; round < 20000; round++) {
        if (rank == 0)
            send(round, other, round);
        expect(receive(other, round), round);
        if (rank != 0)
            send(round, other, round);
    }
}

static void master_and_workers(int rank, int size)
{
    enum {
        TASKS = 500,
        STOP = -1,
    };
    if (rank > 0) {
        int task;
        for (send(0, 0, 1); (task = receive(0, 2)) != STOP; send(2 * task, 0, 1))
            ;
        return;
    }
    int stopped = 0;
    for (int task = 1; stopped < size - 1; task++) {
        MPI_Status status;
        int result;
        MPI_Recv(&result, 1, MPI_INT, MPI_ANY_SOURCE, 1, MPI_COMM_WORLD, &status);
        send(task <= TASKS ? task : STOP, status.MPI_SOURCE, 2);
        stopped += task > TASKS;
    }
}

static void waitany_and_waitsome(int rank, int size)
{
    MPI_Request requests[16];
    int values[16] = {0};
    if (rank > 0) {
        for (int i = 0; i < 2; i++)
            send(rank, 0, i);
        return;
    }
    for (int i = 0; i < 2 * (size - 1); i++)
        MPI_Irecv(&values[i], 1, MPI_INT, 1 + i / 2, i % 2, MPI_COMM_WORLD,
                  &requests[i]);
    int which;
    MPI_Waitany(2 * (size - 1), requests, &which, MPI_STATUS_IGNORE);
    int left = 2 * (size - 1) - 1;
    while (left > 0) {
        int count;
        int some[16];
        MPI_Waitsome(2 * (size - 1), requests, &count, some, MPI_STATUSES_IGNORE);
        left -= count;
    }
    for (int i = 0; i < 2 * (size - 1); i++)
        expect(values[i], 1 + i / 2);
}

static void all_collectives(int rank, int size)
{
    int in[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    int out[8] = {0};
    int ones[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    int places[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    MPI_Request r;
    for (int round = 0; round < 10; round++) {
        int root = round % size;
        MPI_Barrier(MPI_COMM_WORLD);
        MPI_Bcast(in, 1, MPI_INT, root, MPI_COMM_WORLD);
        MPI_Reduce(in, out, 1, MPI_INT, MPI_SUM, root, MPI_COMM_WORLD);
        MPI_Gather(in, 1, MPI_INT, out, 1, MPI_INT, root, MPI_COMM_WORLD);
        MPI_Gatherv(in, 1, MPI_INT, out, ones, places, MPI_INT, root, MPI_COMM_WORLD);
        MPI_Scatter(in, 1, MPI_INT, out, 1, MPI_INT, root, MPI_COMM_WORLD);
        MPI_Scatterv(in, ones, places, MPI_INT, out, 1, MPI_INT, root, MPI_COMM_WORLD);
        MPI_Allgather(in, 1, MPI_INT, out, 1, MPI_INT, MPI_COMM_WORLD);
        MPI_Allgatherv(in, 1, MPI_INT, out, ones, places, MPI_INT, MPI_COMM_WORLD);
        MPI_Alltoall(in, 1, MPI_INT, out, 1, MPI_INT, MPI_COMM_WORLD);
        MPI_Alltoallv(in, ones, places, MPI_INT, out, ones, places, MPI_INT,
                      MPI_COMM_WORLD);
        MPI_Reduce_scatter(in, out, ones, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
        MPI_Reduce_scatter_block(in, out, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
        MPI_Scan(in, out, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
        expect(out[0], rank + 1);
        MPI_Exscan(in, out, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
        MPI_Iallreduce(in, out, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD, &r);
        MPI_Wait(&r, MPI_STATUS_IGNORE);
        expect(out[0], size);
        MPI_Ibarrier(MPI_COMM_WORLD, &r);
        MPI_Wait(&r, MPI_STATUS_IGNORE);
    }
}

/* Nothing to reduce: it need not wait for anybody. */
static void empty_collectives(int rank, int size)
{
    (void)size;
    int word = 0;
    int sum;
    for (int round = 0; round < 50; round++) {
        MPI_Allreduce(&word, &sum, 0, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
        MPI_Bcast(&word, 0, MPI_INT, 0, MPI_COMM_WORLD);
    }
    if (rank == 1)
        sleep(1);
    MPI_Barrier(MPI_COMM_WORLD);
}

static void communicators(int rank, int size)
{
    for (int round = 0; round < 30; round++) {
        MPI_Comm half;
        MPI_Comm copy;
        int sum;
        MPI_Comm_split(MPI_COMM_WORLD, rank % 2, -rank, &half);
        MPI_Comm_dup(half, &copy);
        MPI_Comm_free(&half);
        MPI_Allreduce(&(int){1}, &sum, 1, MPI_INT, MPI_SUM, copy);
        expect(sum, (size + 1 - rank % 2) / 2);
        MPI_Comm_free(&copy);
        MPI_Comm_split(MPI_COMM_WORLD, rank == 0 ? MPI_UNDEFINED : 1, 0, &half);
        if (half != MPI_COMM_NULL) {
            MPI_Barrier(half);
            MPI_Comm_free(&half);
        }
    }
}

static void intercommunicator(int rank, int size)
{
    MPI_Comm group;
    MPI_Comm both;
    MPI_Comm merged;
    int half = rank < size / 2 ? 0 : 1;
    int value = -1;
    MPI_Comm_split(MPI_COMM_WORLD, half, rank, &group);
    MPI_Intercomm_create(group, 0, MPI_COMM_WORLD, half == 0 ? size / 2 : 0, 5, &both);
    int mine;
    MPI_Comm_rank(group, &mine);
    if (half == 0 && mine == 0)
        MPI_Send(&rank, 1, MPI_INT, 0, 1, both);
    if (half == 1 && mine == 0) {
        MPI_Recv(&value, 1, MPI_INT, MPI_ANY_SOURCE, 1, both, MPI_STATUS_IGNORE);
        expect(value, 0);
    }
    MPI_Barrier(both);
    MPI_Intercomm_merge(both, half, &merged);
    MPI_Barrier(merged);
    MPI_Comm_free(&merged);
    MPI_Comm_free(&both);
    MPI_Comm_free(&group);
}

static void mprobe(int rank, int size)
{
    (void)size;
    for (int round = 0; round < 200; round++) {
        MPI_Message message;
        MPI_Status status;
        int value;
        if (rank == 1)
            MPI_Ssend(&round, 1, MPI_INT, 0, round % 5, MPI_COMM_WORLD);
        if (rank != 0)
            continue;
        MPI_Mprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &message, &status);
        MPI_Mrecv(&value, 1, MPI_INT, &message, MPI_STATUS_IGNORE);
        expect(value, round);
    }
}

/* Requests that are cancelled, or let go. */
static void requests_let_go(int rank, int size)
{
    (void)size;
    int value = 0;
    MPI_Request request;
    if (rank == 0) {
        MPI_Irecv(&value, 1, MPI_INT, 1, 77, MPI_COMM_WORLD, &request);
        MPI_Cancel(&request);
        MPI_Wait(&request, MPI_STATUS_IGNORE);
        static int later;
        MPI_Irecv(&later, 1, MPI_INT, 1, 78, MPI_COMM_WORLD, &request);
        MPI_Request_free(&request);
        send(5, 1, 0);
    }
    if (rank == 1) {
        expect(receive(0, 0), 5);
        sleep(1);
        MPI_Ssend(&rank, 1, MPI_INT, 0, 78, MPI_COMM_WORLD);
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

static void persistent_requests(int rank, int size)
{
    int value = 0;
    int got = -1;
    MPI_Request requests[2];
    MPI_Send_init(&value, 1, MPI_INT, (rank + 1) % size, 0, MPI_COMM_WORLD,
                  &requests[0]);
    MPI_Recv_init(&got, 1, MPI_INT, (rank + size - 1) % size, 0, MPI_COMM_WORLD,
                  &requests[1]);
    for (int round = 0; round < 200; round++) {
        value = round;
        MPI_Startall(2, requests);
        MPI_Waitall(2, requests, MPI_STATUSES_IGNORE);
        expect(got, round);
    }
    MPI_Request_free(&requests[0]);
    MPI_Request_free(&requests[1]);
}

static void partitioned(int rank, int size)
{
    (void)size;
#if MPI_VERSION >= 4
    int data[4] = {0};
    MPI_Request request;
    if (rank == 0)
        MPI_Psend_init(data, 4, 1, MPI_INT, 1, 0, MPI_COMM_WORLD, MPI_INFO_NULL,
                       &request);
    else
        MPI_Precv_init(data, 4, 1, MPI_INT, 0, 0, MPI_COMM_WORLD, MPI_INFO_NULL,
                       &request);
    for (int round = 0; round < 20; round++) {
        MPI_Start(&request);
        for (int part = 0; rank == 0 && part < 4; part++) {
            data[part] = round + part;
            MPI_Pready(part, request);
        }
        MPI_Wait(&request, MPI_STATUS_IGNORE);
        expect(data[3], round + 3);
    }
    MPI_Request_free(&request);
#else
    (void)rank;
#endif
}

static void one_sided(int rank, int size)
{
    static int memory[64];
    MPI_Win win;
    MPI_Win_create(memory, sizeof(memory), sizeof(int), MPI_INFO_NULL, MPI_COMM_WORLD,
                   &win);
    for (int round = 0; round < 20; round++) {
        MPI_Win_fence(MPI_MODE_NOPRECEDE, win);
        MPI_Put(&round, 1, MPI_INT, (rank + 1) % size, 0, 1, MPI_INT, win);
        MPI_Win_fence(MPI_MODE_NOSUCCEED, win);
        expect(memory[0], round);
        MPI_Win_lock(MPI_LOCK_EXCLUSIVE, 0, 0, win);
        MPI_Accumulate(&(int){1}, 1, MPI_INT, 0, 1, 1, MPI_INT, MPI_SUM, win);
        MPI_Win_unlock(0, win);
        MPI_Barrier(MPI_COMM_WORLD);
    }
    if (rank == 0) {
        MPI_Win_lock(MPI_LOCK_SHARED, 0, 0, win);
        expect(memory[1], 20 * size);
        MPI_Win_unlock(0, win);
    }
    MPI_Win_free(&win);
}

/* The end is a long way behind the last call. */
static void work_after_finalize(int rank, int size)
{
    (void)size;
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Finalize();
    if (rank == 0)
        sleep(1);
    exit(0);
}

static void status_of_its_own(int rank, int size)
{
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Finalize();
    exit(rank == size - 1 ? 7 : 0);
}

/* Many ranks share few processors, and each round is slow. */
static void crowd(int rank, int size)
{
    int sum;
    for (int round = 0; round < 20; round++)
        MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    expect(sum, size * (size - 1) / 2);
}

static const struct guard_case cases[] = {
    {"long-computation", long_computation},
    {"long-sleep", long_sleep},
    {"input", input},
    {"poll-iprobe", poll_iprobe},
    {"poll-test", poll_test},
    {"big-messages", big_messages},
    {"small-head-to-head", small_head_to_head},
    {"many-tags", many_tags},
    {"master-and-workers", master_and_workers},
    {"waitany-and-waitsome", waitany_and_waitsome},
    {"all-collectives", all_collectives},
    {"empty-collectives", empty_collectives},
    {"communicators", communicators},
    {"intercommunicator", intercommunicator},
    {"mprobe", mprobe},
    {"requests-let-go", requests_let_go},
    {"persistent-requests", persistent_requests},
    {"partitioned", partitioned},
    {"one-sided", one_sided},
    {"work-after-finalize", work_after_finalize},
    {"status-of-its-own", status_of_its_own},
    {"crowd", crowd},
    {0},
};

int main(int argc, char **argv)
{
    return cases_main(argc, argv, cases, MPI_THREAD_SINGLE);
}
