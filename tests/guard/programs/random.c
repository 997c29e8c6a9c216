/* random.c - a random program, really played: random SEED
 *
 * The program is the one that ../../simulate/guard draws for the seed, and guard_labels
 * says how it ends.
 */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tiny.h"

enum {
    WORDS = 64,
};

struct player {
    const struct program *program;
    int rank;
    MPI_Comm comms[COMMS];
    MPI_Request requests[STEPS_MOST];
    int in[STEPS_MOST][WORDS];
    int out[WORDS];
};

/* The rank's number in a communicator. */
static int number_in(const struct player *p, int comm, int rank)
{
    int number = 0;
    for (int i = 0; i < rank; i++)
        number += p->program->members[comm][i];
    return number;
}

static int peer_of(const struct player *p, const struct step *s)
{
    return s->peer == LOOK_ANY ? MPI_ANY_SOURCE : number_in(p, s->comm, s->peer);
}

static int tag_of(const struct step *s)
{
    return s->tag == LOOK_ANY ? MPI_ANY_TAG : s->tag;
}

static void call_collective(struct player *p, const struct step *s, int step)
{
    MPI_Comm comm = p->comms[s->comm];
    int count = s->loose ? 0 : 1;
    int root = s->root < 0 ? 0 : number_in(p, s->comm, s->root);
    switch (s->collective) {
    case LOOK_BARRIER:
        MPI_Barrier(comm);
        break;
    case LOOK_BCAST:
        MPI_Bcast(p->in[step], count, MPI_INT, root, comm);
        break;
    case LOOK_REDUCE:
        MPI_Reduce(p->out, p->in[step], count, MPI_INT, MPI_SUM, root, comm);
        break;
    case LOOK_ALLREDUCE:
        MPI_Allreduce(p->out, p->in[step], count, MPI_INT, MPI_SUM, comm);
        break;
    default:
        MPI_Scan(p->out, p->in[step], count, MPI_INT, MPI_SUM, comm);
        break;
    }
}

static void begin_collective(struct player *p, const struct step *s, int step)
{
    MPI_Comm comm = p->comms[s->comm];
    MPI_Request *request = &p->requests[step];
    int count = s->loose ? 0 : 1;
    int root = s->root < 0 ? 0 : number_in(p, s->comm, s->root);
    switch (s->collective) {
    case LOOK_BARRIER:
        MPI_Ibarrier(comm, request);
        break;
    case LOOK_BCAST:
        MPI_Ibcast(p->in[step], count, MPI_INT, root, comm, request);
        break;
    case LOOK_REDUCE:
        MPI_Ireduce(p->out, p->in[step], count, MPI_INT, MPI_SUM, root, comm, request);
        break;
    case LOOK_ALLREDUCE:
        MPI_Iallreduce(p->out, p->in[step], count, MPI_INT, MPI_SUM, comm, request);
        break;
    default:
        MPI_Iscan(p->out, p->in[step], count, MPI_INT, MPI_SUM, comm, request);
        break;
    }
}

static int query(void *state, MPI_Status *status)
{
    (void)state;
    MPI_Status_set_elements(status, MPI_INT, 0);
    MPI_Status_set_cancelled(status, 0);
    status->MPI_SOURCE = MPI_UNDEFINED;
    status->MPI_TAG = MPI_UNDEFINED;
    return MPI_SUCCESS;
}

static int release(void *state)
{
    (void)state;
    return MPI_SUCCESS;
}

static int cancel(void *state, int complete)
{
    (void)state;
    (void)complete;
    return MPI_SUCCESS;
}

/* A request of the program's own, which it ends itself. */
static void begin_other(struct player *p, int step)
{
    MPI_Grequest_start(query, release, cancel, NULL, &p->requests[step]);
    MPI_Grequest_complete(p->requests[step]);
}

static void poll_test(struct player *p)
{
    int count = 0;
    int which[STEPS_MOST];
    MPI_Status statuses[STEPS_MOST];
    while (count == 0)
        MPI_Testsome(STEPS_MOST, p->requests, &count, which, statuses);
}

static void wait_any(struct player *p)
{
    int which;
    MPI_Waitany(STEPS_MOST, p->requests, &which, MPI_STATUS_IGNORE);
}

static void poll_probe(struct player *p, const struct step *s)
{
    int found = 0;
    while (!found)
        MPI_Iprobe(peer_of(p, s), tag_of(s), p->comms[s->comm], &found,
                   MPI_STATUS_IGNORE);
}

static void message(struct player *p, const struct step *s, int step)
{
    MPI_Comm comm = p->comms[s->comm];
    int *in = p->in[step];
    MPI_Request *request = &p->requests[step];
    switch (s->act) {
    case ACT_SEND:
        MPI_Send(p->out, 1, MPI_INT, peer_of(p, s), s->tag, comm);
        break;
    case ACT_SSEND:
        MPI_Ssend(p->out, 1, MPI_INT, peer_of(p, s), s->tag, comm);
        break;
    case ACT_RECV:
        MPI_Recv(in, WORDS, MPI_INT, peer_of(p, s), tag_of(s), comm, MPI_STATUS_IGNORE);
        break;
    case ACT_ISEND:
        MPI_Isend(p->out, 1, MPI_INT, peer_of(p, s), s->tag, comm, request);
        break;
    case ACT_ISSEND:
        MPI_Issend(p->out, 1, MPI_INT, peer_of(p, s), s->tag, comm, request);
        break;
    case ACT_IRECV:
        MPI_Irecv(in, WORDS, MPI_INT, peer_of(p, s), tag_of(s), comm, request);
        break;
    default:
        MPI_Probe(peer_of(p, s), tag_of(s), comm, MPI_STATUS_IGNORE);
        break;
    }
}

static void play(struct player *p, const struct step *s, int step)
{
    switch (s->act) {
    case ACT_COMPUTE:
        usleep(50000);
        break;
    case ACT_COLLECTIVE:
        call_collective(p, s, step);
        break;
    case ACT_ICOLLECTIVE:
        begin_collective(p, s, step);
        break;
    case ACT_OTHER:
        MPI_Barrier(MPI_COMM_SELF);
        break;
    case ACT_IOTHER:
        begin_other(p, step);
        break;
    case ACT_WAITALL:
        MPI_Waitall(STEPS_MOST, p->requests, MPI_STATUSES_IGNORE);
        break;
    case ACT_WAITANY:
        wait_any(p);
        break;
    case ACT_POLL_PROBE:
        poll_probe(p, s);
        break;
    case ACT_POLL_TEST:
        poll_test(p);
        break;
    case ACT_FINALIZE:
        MPI_Finalize();
        break;
    case ACT_EXIT:
        exit(0);
    default:
        message(p, s, step);
        break;
    }
}

static void make_comms(struct player *p)
{
    p->comms[0] = MPI_COMM_WORLD;
    for (int c = 1; c < COMMS; c++)
        MPI_Comm_split(MPI_COMM_WORLD,
                       p->program->members[c][p->rank] ? 1 : MPI_UNDEFINED, p->rank,
                       &p->comms[c]);
}

int main(int argc, char **argv)
{
    static struct program program;
    static struct player p = {.program = &program};
    if (argc != 2)
        return 2;
    program_of_seed(&program, strtoull(argv[1], NULL, 0));
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &p.rank);
    for (int i = 0; i < STEPS_MOST; i++)
        p.requests[i] = MPI_REQUEST_NULL;
    make_comms(&p);
    for (int step = 0; step < STEPS_MOST; step++)
        play(&p, &program.steps[p.rank][step], step);
    return 0;
}
