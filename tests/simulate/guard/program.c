/* program.c - random programs, which mostly would end if no mistake were made
 *
 * First a list of things that all do together is drawn up, in one order for all:
 * messages and collectives. That can't hang, if nonblocking operations are waited for
 * by all. Then some mistakes are made in it.
 */
#include <string.h>

#include "random.h"
#include "tiny.h"

static const enum look_collective kinds[] = {LOOK_BARRIER, LOOK_BCAST, LOOK_REDUCE,
                                             LOOK_ALLREDUCE, LOOK_SCAN};

static int length(const struct program *p, int rank)
{
    int n = 0;
    while (p->steps[rank][n].act != ACT_EXIT)
        n++;
    return n;
}

/* Put a step at `at`, if there is room. */
static void insert(struct program *p, int rank, int at, struct step s)
{
    struct step *steps = p->steps[rank];
    int n = length(p, rank);
    if (n + 1 >= STEPS_MOST)
        return;
    memmove(&steps[at + 1], &steps[at], (size_t)(n + 1 - at) * sizeof(*steps));
    steps[at] = s;
}

/* Before what ends the program. */
static void append(struct program *p, int rank, struct step s)
{
    int n = length(p, rank);
    insert(p, rank, n > 0 ? n - 1 : 0, s);
}

static void discard(struct program *p, int rank, int at)
{
    struct step *steps = p->steps[rank];
    memmove(&steps[at], &steps[at + 1],
            (size_t)(length(p, rank) - at) * sizeof(*steps));
}

static bool have_room(const struct program *p)
{
    for (int i = 0; i < p->ranks; i++) {
        if (length(p, i) + 4 >= STEPS_MOST)
            return false;
    }
    return true;
}

static void draw_message(struct program *p, struct dice *d, int comm)
{
    int from = dice_below(d, p->ranks);
    int to = dice_below(d, p->ranks);
    int tag = dice_below(d, TAGS);
    if (!p->members[comm][from] || !p->members[comm][to])
        return;
    static const enum act sends[] = {ACT_SEND, ACT_SSEND, ACT_ISEND, ACT_ISSEND};
    struct step send = {
        .act = sends[dice_below(d, from == to ? 2 : 4) + (from == to ? 2 : 0)],
        .peer = to,
        .comm = comm,
        .tag = tag};
    append(p, from, send);
    static const enum act receives[] = {ACT_RECV, ACT_RECV, ACT_IRECV, ACT_IRECV};
    struct step receive = {
        .act = receives[dice_below(d, 4)], .peer = from, .comm = comm, .tag = tag};
    if (p->wildcards && dice_one_in(d, 2))
        receive.peer = LOOK_ANY;
    if (p->wildcards && dice_one_in(d, 4))
        receive.tag = LOOK_ANY;
    struct step probe = receive;
    probe.act = p->polls && dice_one_in(d, 2) ? ACT_POLL_PROBE : ACT_PROBE;
    if (receive.act == ACT_RECV && dice_one_in(d, 4))
        append(p, to, probe);
    append(p, to, receive);
}

static void draw_collective(struct program *p, struct dice *d, int comm)
{
    struct step s = {.act = dice_one_in(d, 3) ? ACT_ICOLLECTIVE : ACT_COLLECTIVE,
                     .comm = comm,
                     .collective = kinds[dice_below(d, 5)],
                     .loose = dice_one_in(d, 8)};
    do {
        s.root = dice_below(d, p->ranks);
    } while (!p->members[comm][s.root]);
    if (s.collective != LOOK_BCAST && s.collective != LOOK_REDUCE)
        s.root = LOOK_NONE;
    for (int i = 0; i < p->ranks; i++) {
        if (p->members[comm][i])
            append(p, i, s);
    }
}

/* Who comes first is served first: `slow` or `swift`, who then waits for an answer. */
static void draw_race(struct program *p, struct dice *d)
{
    int at = dice_below(d, p->ranks);
    int swift = (at + 1) % p->ranks;
    int slow = (at + 2) % p->ranks;
    if (slow == at)
        return;
    append(p, at, (struct step){.act = ACT_IRECV, .peer = LOOK_ANY});
    append(p, at, (struct step){.act = ACT_RECV, .peer = swift});
    append(p, at, (struct step){.act = ACT_SEND, .peer = swift});
    append(p, swift, (struct step){.act = ACT_ISEND, .peer = at});
    append(p, swift, (struct step){.act = ACT_RECV, .peer = at});
    append(p, slow, (struct step){.act = ACT_ISEND, .peer = at});
}

static void draw_something_own(struct program *p, struct dice *d)
{
    static const enum act acts[] = {ACT_COMPUTE, ACT_WAITALL, ACT_WAITALL,  ACT_WAITANY,
                                    ACT_OTHER,   ACT_IOTHER,  ACT_POLL_TEST};
    enum act act = acts[dice_below(d, p->polls ? 7 : 6)];
    append(p, dice_below(d, p->ranks), (struct step){.act = act});
}

/* Somebody's slip, anywhere. */
static void draw_mistake(struct program *p, struct dice *d)
{
    int rank = dice_below(d, p->ranks);
    int n = length(p, rank);
    if (n < 2)
        return;
    int at = dice_below(d, n - 1);
    struct step *s = &p->steps[rank][at];
    if (s->act == ACT_EXIT || s->act == ACT_FINALIZE)
        return;
    struct step copy = *s;
    switch (dice_below(d, 7)) {
    case 0:
        discard(p, rank, at);
        break;
    case 1:
        if (s->tag != LOOK_ANY)
            s->tag = (s->tag + 1) % TAGS;
        break;
    case 2:
        if (p->members[s->comm][(s->peer + 1) % p->ranks] && s->peer != LOOK_ANY)
            s->peer = (s->peer + 1) % p->ranks;
        break;
    case 3: /* later, or earlier */
        discard(p, rank, at);
        insert(p, rank, dice_below(d, n - 1), copy);
        break;
    case 4:
        if (s->root != LOOK_NONE)
            s->root = dice_below(d, p->ranks);
        break;
    case 5:
        s->collective = kinds[dice_below(d, 5)];
        break;
    default: /* leaves early */
        insert(p, rank, at,
               (struct step){.act = dice_one_in(d, 2) ? ACT_EXIT : ACT_FINALIZE});
        break;
    }
}

/* Behind MPI_Finalize is nothing but the end. */
static void cut(struct program *p, int rank)
{
    struct step *steps = p->steps[rank];
    int at = 0;
    while (steps[at].act != ACT_EXIT && steps[at].act != ACT_FINALIZE)
        at++;
    if (steps[at].act == ACT_FINALIZE)
        at++;
    memset(&steps[at], 0, (size_t)(STEPS_MOST - at) * sizeof(*steps));
    steps[at].act = ACT_EXIT;
}

void program_draw(struct program *p, struct dice *d)
{
    memset(p, 0, sizeof(*p));
    p->ranks = 2 + dice_below(d, RANKS_MOST - 1);
    p->wildcards = dice_one_in(d, 3);
    p->polls = dice_one_in(d, 4);
    p->mortal = dice_one_in(d, 8);
    p->stingy = dice_one_in(d, 3);
    p->closed = p->stingy;
    for (int i = 0; i < p->ranks; i++) {
        p->members[0][i] = true;
        for (int c = 1; c < COMMS; c++)
            p->members[c][i] = i == 0 || dice_one_in(d, 2);
        p->steps[i][0] = (struct step){.act = ACT_FINALIZE};
        p->steps[i][1] = (struct step){.act = ACT_EXIT};
    }
    for (int n = 1 + dice_below(d, 6); n > 0 && have_room(p); n--) {
        int comm = dice_one_in(d, 2) ? 0 : dice_below(d, COMMS);
        if (dice_one_in(d, 3))
            draw_collective(p, d, comm);
        else
            draw_message(p, d, comm);
        if (dice_one_in(d, 3))
            draw_something_own(p, d);
        if (p->wildcards && dice_one_in(d, 3) && have_room(p))
            draw_race(p, d);
    }
    for (int i = 0; i < p->ranks; i++)
        append(p, i, (struct step){.act = ACT_WAITALL});
    for (int n = dice_below(d, 4); n > 0; n--)
        draw_mistake(p, d);
    for (int i = 0; i < p->ranks; i++)
        cut(p, i);
}

void program_of_seed(struct program *p, uint64_t seed)
{
    struct dice d = {.state = seed};
    program_draw(p, &d);
    for (int i = 0; i < p->ranks; i++) {
        int n = length(p, i);
        if (n == 0 || p->steps[i][n - 1].act != ACT_FINALIZE)
            insert(p, i, n, (struct step){.act = ACT_FINALIZE});
    }
}
