/* label.c - guard_labels: random programs of which it is known how they end
 *
 *     guard_labels COUNT SEED
 *
 * Prints a line for each: SEED RANKS ends - | SEED RANKS stuck 0,2 [wild]. What is
 * wanted are programs that end the same way whatever the MPI does: each is played many
 * times, by all kinds of MPI, and left out if it does not end the same way every time,
 * if its ranks do not make the same collective calls, or if it polls for ever. The
 * program for the seed is played by ../../guard/programs/random.c.
 */
#include <stdio.h>
#include <stdlib.h>

#include "random.h"
#include "tiny.h"

enum {
    PLAYS = 200, /* of each kind of MPI */
    TRIES = 10,  /* for a move of one that is not slow */
};

/* How a play has ended. */
struct outcome {
    bool stuck[RANKS_MOST];
    bool dull; /* it says nothing about the guard */
};

static bool disagree(const struct request *a, const struct request *b)
{
    return a->comm == b->comm && a->index == b->index &&
           (a->collective != b->collective || a->root != b->root ||
            a->nonblocking != b->nonblocking || a->loose != b->loose);
}

/* Are two ranks in the same collective, and not in the same? Each call is looked at
 * when a rank comes to it: `called` has all that were made. */
static bool is_mismatched(const struct mpi *m, const struct program *p,
                          struct request called[COMMS][STEPS_MOST + 1])
{
    for (int i = 0; i < p->ranks; i++) {
        const struct process *pr = &m->process[i];
        for (int j = 0; j < pr->requests; j++) {
            const struct request *r = &pr->request[j];
            if (r->kind != LOOK_COLLECTIVE)
                continue;
            struct request *first = &called[r->comm][r->index];
            if (first->index == 0)
                *first = *r;
            if (disagree(first, r) || (r->root >= 0 && !p->members[r->comm][r->root]))
                return true;
        }
    }
    return false;
}

/* Does a rank call MPI_Finalize before its requests have ended? What comes then is no
 * rule of MPI's. */
static bool is_untidy(const struct mpi *m, const struct program *p)
{
    for (int i = 0; i < p->ranks; i++) {
        if (m->process[i].state == LOOK_FINALIZING && m->process[i].requests > 0)
            return true;
    }
    return false;
}

/* One of the moves. Some ranks are slow, as far as others leave them the time. */
static struct move choose(const struct mpi *m, const bool *slow,
                          const struct move *moves, int n, struct dice *d)
{
    struct move move = moves[0];
    for (int i = 0; i < TRIES; i++) {
        move = moves[dice_below(d, n)];
        bool of_rank = move.kind == MOVE_RANK;
        if (!slow[of_rank ? move.which : m->message[move.which].from])
            break;
    }
    return move;
}

static struct outcome play(const struct program *p, struct dice *d)
{
    bool slow[RANKS_MOST];
    for (int i = 0; i < RANKS_MOST; i++)
        slow[i] = dice_one_in(d, 2);
    static struct mpi m;
    struct request called[COMMS][STEPS_MOST + 1] = {0};
    struct outcome out = {0};
    struct move moves[MOVES_MOST];
    int n;
    mpi_start(&m, p);
    while ((n = mpi_moves(&m, p, moves)) > 0 && !out.dull) {
        mpi_make(&m, p, choose(&m, slow, moves, n, d));
        out.dull = is_mismatched(&m, p, called) || is_untidy(&m, p);
    }
    for (int i = 0; i < p->ranks; i++) {
        out.stuck[i] = m.process[i].state == LOOK_BLOCKED;
        out.dull |= m.process[i].state == LOOK_POLLING;
    }
    return out;
}

static bool same(const struct outcome *a, const struct outcome *b)
{
    for (int i = 0; i < RANKS_MOST; i++) {
        if (a->stuck[i] != b->stuck[i])
            return false;
    }
    return true;
}

/* False: it is not worth playing. */
static bool find_outcome(struct program *p, struct dice *d, struct outcome *out)
{
    p->mortal = false;
    p->stingy = false;
    for (int i = 0; i < 2 * PLAYS; i++) {
        p->closed = i < PLAYS;
        struct outcome one = play(p, d);
        if (i == 0)
            *out = one;
        if (one.dull || !same(&one, out))
            return false;
    }
    return true;
}

static void print(uint64_t seed, const struct program *p, const struct outcome *out)
{
    bool stuck = false;
    for (int i = 0; i < p->ranks; i++)
        stuck |= out->stuck[i];
    printf("%lu %d %s", (unsigned long)seed, p->ranks, stuck ? "stuck" : "ends");
    const char *link = " ";
    for (int i = 0; i < p->ranks; i++) {
        if (!out->stuck[i])
            continue;
        printf("%s%d", link, i);
        link = ",";
    }
    printf("%s%s\n", stuck ? "" : " -", p->wildcards ? " wild" : "");
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: guard_labels COUNT SEED\n", stderr);
        return 2;
    }
    long count = atol(argv[1]);
    uint64_t seed = strtoull(argv[2], NULL, 0);
    while (count > 0) {
        struct program p;
        struct outcome out;
        program_of_seed(&p, seed);
        struct dice d = {.state = ~seed};
        if (find_outcome(&p, &d, &out)) {
            print(seed, &p, &out);
            count--;
        }
        seed++;
    }
    return 0;
}
