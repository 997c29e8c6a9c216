/* messages.c - programs whose messages do not come, or nobody takes them */
#include <stdlib.h>

#include "cases.h"

static int word = 42;

static void send(int to, int tag)
{
    MPI_Send(&word, 1, MPI_INT, to, tag, MPI_COMM_WORLD);
}

static void ssend(int to, int tag)
{
    MPI_Ssend(&word, 1, MPI_INT, to, tag, MPI_COMM_WORLD);
}

static void receive(int from, int tag)
{
    int got;
    MPI_Recv(&got, 1, MPI_INT, from, tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

/* Both send first, and neither receives. */
static void ssend_head_to_head(int rank, int size)
{
    int other = size - 1 - rank;
    ssend(other, 0);
    receive(other, 0);
}

/* The same with MPI_Send, of which much is not buffered. */
static void send_head_to_head(int rank, int size)
{
    enum {
        MUCH = 1 << 20,
    };
    int other = size - 1 - rank;
    int *data = calloc(MUCH, sizeof(*data));
    MPI_Send(data, MUCH, MPI_INT, other, 0, MPI_COMM_WORLD);
    MPI_Recv(data, MUCH, MPI_INT, other, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    free(data);
}

static void recv_head_to_head(int rank, int size)
{
    int other = size - 1 - rank;
    receive(other, 0);
    send(other, 0);
}

/* Everybody wants to hear from the left before saying something to the right. */
static void ring(int rank, int size)
{
    receive((rank + size - 1) % size, 0);
    send((rank + 1) % size, 0);
}

/* A ring, and rank 0 does know how to begin; but later two have changed places. */
static void ring_after_a_while(int rank, int size)
{
    for (int round = 0; round < 100; round++) {
        if (rank == 0 && round < 57)
            send(1, round);
        receive((rank + size - 1) % size, round);
        if (rank != 0 || round >= 57)
            send((rank + 1) % size, round);
    }
}

static void wrong_tag(int rank, int size)
{
    (void)size;
    if (rank == 0)
        receive(1, 7);
    if (rank == 1)
        send(0, 8);
}

static void wrong_communicator(int rank, int size)
{
    (void)size;
    MPI_Comm other;
    MPI_Comm_dup(MPI_COMM_WORLD, &other);
    if (rank == 0)
        receive(1, 7);
    if (rank == 1)
        MPI_Send(&word, 1, MPI_INT, 0, 7, other);
    MPI_Comm_free(&other);
}

/* Waits for one more answer than there are. */
static void one_answer_too_many(int rank, int size)
{
    if (rank > 0)
        send(0, 0);
    for (int i = 0; rank == 0 && i < size; i++)
        receive(MPI_ANY_SOURCE, MPI_ANY_TAG);
}

/* The last worker is not told to stop. */
static void a_worker_forgotten(int rank, int size)
{
    for (int i = 1; rank == 0 && i < size - 1; i++)
        send(i, 0);
    if (rank > 0)
        receive(0, 0);
}

static void probe_nothing(int rank, int size)
{
    (void)size;
    if (rank == 0)
        MPI_Probe(1, 3, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

static void mprobe_nothing(int rank, int size)
{
    (void)size;
    MPI_Message message;
    if (rank == 1)
        send(0, 4);
    if (rank == 0)
        MPI_Mprobe(MPI_ANY_SOURCE, 3, MPI_COMM_WORLD, &message, MPI_STATUS_IGNORE);
}

/* To the right, and from the right, where it should be from the left. */
static void sendrecv_from_the_wrong_side(int rank, int size)
{
    int got;
    int right = (rank + 1) % size;
    MPI_Sendrecv(&word, 1, MPI_INT, right, 0, &got, 1, MPI_INT, right, 0,
                 MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

static void ssend_to_nobody(int rank, int size)
{
    (void)size;
    if (rank == 0)
        ssend(1, 0);
}

static void ssend_to_itself(int rank, int size)
{
    (void)size;
    ssend(rank, 0);
}

/* Only 0 and 1 are in it; 2 has nothing to do with them, and waits behind. */
static void two_of_three(int rank, int size)
{
    (void)size;
    if (rank < 2)
        receive(1 - rank, 0);
    if (rank == 2)
        receive(0, 0);
}

static const struct guard_case cases[] = {
    {"ssend-head-to-head", ssend_head_to_head},
    {"send-head-to-head", send_head_to_head},
    {"recv-head-to-head", recv_head_to_head},
    {"ring", ring},
    {"ring-after-a-while", ring_after_a_while},
    {"wrong-tag", wrong_tag},
    {"wrong-communicator", wrong_communicator},
    {"one-answer-too-many", one_answer_too_many},
    {"a-worker-forgotten", a_worker_forgotten},
    {"probe-nothing", probe_nothing},
    {"mprobe-nothing", mprobe_nothing},
    {"sendrecv-from-the-wrong-side", sendrecv_from_the_wrong_side},
    {"ssend-to-nobody", ssend_to_nobody},
    {"ssend-to-itself", ssend_to_itself},
    {"two-of-three", two_of_three},
    {0},
};

int main(int argc, char **argv)
{
    return cases_main(argc, argv, cases, MPI_THREAD_SINGLE);
}
