/* medley.c - a medley of MPI, drawn by a seed: medley SEED [hang]
 *
 * All ranks draw the same rounds: each is an exchange of another family, in which some
 * are late. Everything is checked, and nothing depends on buffering. With "hang" one of
 * the ranks, once, does not take part, but waits for a message that nobody sends, with
 * the tag 99.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "cases.h"

enum {
    ROUNDS = 12,
    LATE = 30000, /* microseconds */
    NEVER = 99,   /* a tag */
};

static uint64_t state;
static int rank, size;
static MPI_Comm comm; /* of all, or of some of them */
static int me, all;

static int draw(int below)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int)((state >> 33) % (uint64_t)below);
}

static void expect(int is, int should)
{
    if (is == should)
        return;
    fprintf(stderr, "rank %d: %d instead of %d\n", rank, is, should);
    MPI_Abort(MPI_COMM_WORLD, 1);
}

static int left(void)
{
    return (me + all - 1) % all;
}

static int right(void)
{
    return (me + 1) % all;
}

static void sendrecv(void)
{
    int in = -1;
    MPI_Sendrecv(&me, 1, MPI_INT, right(), 1, &in, 1, MPI_INT, left(), 1, comm,
                 MPI_STATUS_IGNORE);
    expect(in, left());
}

static void persistent(void)
{
    MPI_Request r[2];
    int in = -1;
    int out = 0;
    MPI_Recv_init(&in, 1, MPI_INT, left(), 2, comm, &r[0]);
    MPI_Ssend_init(&out, 1, MPI_INT, right(), 2, comm, &r[1]);
    for (out = me; out < me + 3; out++) {
        MPI_Startall(2, r);
        MPI_Waitall(2, r, MPI_STATUSES_IGNORE);
        expect(in, left() + out - me);
    }
    MPI_Request_free(&r[0]);
    MPI_Request_free(&r[1]);
}

static void some_and_any(void)
{
    MPI_Request r[3];
    int in[2] = {-1, -1};
    int done[3];
    int n;
    MPI_Irecv(&in[0], 1, MPI_INT, left(), 3, comm, &r[0]);
    MPI_Irecv(&in[1], 1, MPI_INT, MPI_ANY_SOURCE, 4, comm, &r[1]);
    MPI_Issend(&me, 1, MPI_INT, right(), 3, comm, &r[2]);
    /* Not among the polls: who sends, be it to nobody, gets on with something, and no
     * limit tells of that. */
    MPI_Ssend(&me, 1, MPI_INT, MPI_PROC_NULL, 4, comm);
    for (int over = 0; over < 2; over += n != MPI_UNDEFINED ? n : 0)
        MPI_Testsome(3, r, &n, done, MPI_STATUSES_IGNORE);
    MPI_Cancel(&r[1]);
    MPI_Waitany(3, r, &n, MPI_STATUS_IGNORE);
    expect(n, 1);
    expect(in[0], left());
}

static void probed(void)
{
    MPI_Request r;
    MPI_Status status;
    MPI_Message message;
    int in = -1;
    MPI_Issend(&me, 1, MPI_INT, right(), 5, comm, &r);
    MPI_Mprobe(MPI_ANY_SOURCE, 5, comm, &message, &status);
    MPI_Mrecv(&in, 1, MPI_INT, &message, MPI_STATUS_IGNORE);
    expect(in, left());
    MPI_Wait(&r, MPI_STATUS_IGNORE);
}

/* Who does not know how many messages will come: all are there when all were told. */
static void consensus(void)
{
    MPI_Request sent;
    MPI_Request barrier = MPI_REQUEST_NULL;
    int got = 0;
    int over = 0;
    MPI_Issend(&me, 1, MPI_INT, right(), 6, comm, &sent);
    while (!over) {
        int there;
        int in;
        MPI_Status status;
        MPI_Iprobe(MPI_ANY_SOURCE, 6, comm, &there, &status);
        if (there) {
            MPI_Recv(&in, 1, MPI_INT, status.MPI_SOURCE, 6, comm, MPI_STATUS_IGNORE);
            got++;
        }
        if (barrier != MPI_REQUEST_NULL) {
            MPI_Test(&barrier, &over, MPI_STATUS_IGNORE);
        } else {
            MPI_Test(&sent, &there, MPI_STATUS_IGNORE);
            if (there)
                MPI_Ibarrier(comm, &barrier);
        }
    }
    expect(got, 1);
}

static void collectives(void)
{
    int sum = -1;
    int from = me == all / 2 ? 17 : -1;
    MPI_Bcast(&from, 1, MPI_INT, all / 2, comm);
    expect(from, 17);
    MPI_Allreduce(&me, &sum, 1, MPI_INT, MPI_SUM, comm);
    expect(sum, all * (all - 1) / 2);
    MPI_Scan(&me, &sum, 1, MPI_INT, MPI_SUM, comm);
    expect(sum, me * (me + 1) / 2);
}

static void later(void)
{
    MPI_Request r[2];
    int sum = -1;
    int in[64];
    MPI_Iallreduce(&me, &sum, 1, MPI_INT, MPI_SUM, comm, &r[0]);
    MPI_Iallgather(&me, 1, MPI_INT, in, 1, MPI_INT, comm, &r[1]);
    MPI_Wait(&r[1], MPI_STATUS_IGNORE);
    MPI_Wait(&r[0], MPI_STATUS_IGNORE);
    expect(sum, all * (all - 1) / 2);
    expect(in[all - 1], all - 1);
}

static void neighbours(void)
{
    MPI_Comm ring;
    int periodic = 1;
    int in[2];
    MPI_Cart_create(comm, 1, &all, &periodic, 0, &ring);
    MPI_Neighbor_allgather(&me, 1, MPI_INT, in, 1, MPI_INT, ring);
    expect(in[0], left());
    expect(in[1], right());
    MPI_Comm_free(&ring);
}

/* Open MPI 4.1.4 makes no window of one rank; and what it shares for windows it calls
 * after the communicator's number, which two that have no rank in common may have both.
 */
static bool may_have_window(void)
{
#ifdef OPEN_MPI
    return all >= 2 && all == size;
#else
    return all >= 2;
#endif
}

static void locks(void)
{
    MPI_Win win;
    int *memory;
    int sum = 0;
    int one = 1;
    if (!may_have_window())
        return;
    MPI_Win_allocate(sizeof(int), sizeof(int), MPI_INFO_NULL, comm, &memory, &win);
    MPI_Win_lock(MPI_LOCK_EXCLUSIVE, me, 0, win);
    *memory = 0;
    MPI_Win_unlock(me, win);
    MPI_Barrier(comm);
    MPI_Win_lock_all(0, win);
    MPI_Fetch_and_op(&one, &sum, MPI_INT, 0, 0, MPI_SUM, win);
    MPI_Win_flush(0, win);
    while (sum < all) {
        MPI_Fetch_and_op(NULL, &sum, MPI_INT, 0, 0, MPI_NO_OP, win);
        MPI_Win_flush(0, win);
    }
    MPI_Win_unlock_all(win);
    MPI_Win_free(&win);
}

/* The halves speak over an intercommunicator. */
static void halves(void)
{
    MPI_Comm half;
    MPI_Comm inter;
    int upper = me >= all / 2;
    int in = -1;
    if (all < 2)
        return;
    MPI_Comm_split(comm, upper, me, &half);
    MPI_Intercomm_create(half, 0, comm, upper ? 0 : all / 2, 7, &inter);
    if (me == 0)
        MPI_Ssend(&me, 1, MPI_INT, 0, 8, inter);
    if (me == all / 2) {
        MPI_Recv(&in, 1, MPI_INT, 0, 8, inter, MPI_STATUS_IGNORE);
        expect(in, 0);
    }
    MPI_Barrier(inter);
    MPI_Comm_free(&inter);
    MPI_Comm_free(&half);
}

#ifdef OPEN_MPI
static void fences(void)
{
    MPI_Win win;
    int memory = -1;
    if (!may_have_window())
        return;
    MPI_Win_create(&memory, sizeof(memory), sizeof(memory), MPI_INFO_NULL, comm, &win);
    MPI_Win_fence(0, win);
    MPI_Put(&me, 1, MPI_INT, right(), 0, 1, MPI_INT, win);
    MPI_Win_fence(0, win);
    expect(memory, left());
    MPI_Win_free(&win);
}

static void *send_from_thread(void *unused)
{
    (void)unused;
    usleep(LATE);
    MPI_Send(&me, 1, MPI_INT, right(), 9, comm);
    return NULL;
}

static void threads(void)
{
    pthread_t thread;
    int in = -1;
    pthread_create(&thread, NULL, send_from_thread, NULL);
    MPI_Recv(&in, 1, MPI_INT, left(), 9, comm, MPI_STATUS_IGNORE);
    pthread_join(thread, NULL);
    expect(in, left());
}
#endif

/* MPICH 4.0.2 itself, with MPI_THREAD_MULTIPLE, loses what is put between fences, and
 * hangs with a thread that sends. */
static void (*const families[])(void) = {
    sendrecv,    persistent, some_and_any, probed, consensus,
    collectives, later,      neighbours,   locks,  halves,
#ifdef OPEN_MPI
    fences,      threads,
#endif
};

static void wait_for_ever(void)
{
    int word;
    MPI_Recv(&word, 1, MPI_INT, (rank + 1) % size, NEVER, MPI_COMM_WORLD,
             MPI_STATUS_IGNORE);
}

/* In every third round, on a communicator of every second rank or third. */
static void play_round(int hangs)
{
    int family = draw((int)(sizeof(families) / sizeof(families[0])));
    int parts = draw(3) == 0 ? 2 + draw(2) : 1;
    int late = draw(size);
    int absent = draw(size);
    if (rank == late)
        usleep(LATE * (useconds_t)(1 + late % 5));
    MPI_Comm_split(MPI_COMM_WORLD, rank % parts, rank, &comm);
    MPI_Comm_rank(comm, &me);
    MPI_Comm_size(comm, &all);
    if (hangs && rank == absent)
        wait_for_ever();
    families[family]();
    MPI_Comm_free(&comm);
}

int main(int argc, char **argv)
{
    int provided;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    state = argc > 1 ? strtoull(argv[1], NULL, 10) * 2654435761u : 1;
    int hang_at = argc > 2 ? draw(ROUNDS) : -1;
    for (int i = 0; i < ROUNDS; i++)
        play_round(i == hang_at);
    MPI_Finalize();
    return 0;
}
