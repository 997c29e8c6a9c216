/* mutations.c - bugs to plant in the verdict, which the simulation must find
 *
 * The verdict knows nothing of them: the linker hands us the calls that go from one of
 * its files to another (--wrap, in CMakeLists.txt), and one of them does something else
 * than it should.
 */
#include "mutations.h"

#include "guard/needs.h"
#include "guard/traffic.h"
#include "tiny.h"

enum mutation {
    NONE,
    MESSAGE_FORGOTTEN, /* what is under way is not seen */
    ORDER_FORGOTTEN,   /* earlier receives take nothing */
    CONTEST_FORGOTTEN, /* who else may serve an earlier receive is not asked */
    TAKER_FORGOTTEN,   /* posted receives take no synchronous send */
    TAKER_IMAGINED,    /* all synchronous sends find one */
    EPOCH_IGNORED, /* what a rank did and counted at different moments goes together */
    ANY_IS_ALL,    /* of MPI_Waitany all requests are needed */
    ALL_IS_ANY,
    NEED_DROPPED,    /* one of two who could help is not asked */
    SEND_IS_CERTAIN, /* a standard send is never buffered */
    LOOSE_IS_STRICT,
    LEFT_IS_ALIVE, /* who has left may still help */
    LOST_IGNORED,  /* that something is missing in a look */
};

const char *const mutation_names[] = {
    [NONE] = "none",
    [MESSAGE_FORGOTTEN] = "message-forgotten",
    [ORDER_FORGOTTEN] = "order-forgotten",
    [CONTEST_FORGOTTEN] = "contest-forgotten",
    [TAKER_FORGOTTEN] = "taker-forgotten",
    [TAKER_IMAGINED] = "taker-imagined",
    [EPOCH_IGNORED] = "epoch-ignored",
    [ANY_IS_ALL] = "any-is-all",
    [ALL_IS_ANY] = "all-is-any",
    [NEED_DROPPED] = "need-dropped",
    [SEND_IS_CERTAIN] = "send-is-certain",
    [LOOSE_IS_STRICT] = "loose-is-strict",
    [LEFT_IS_ALIVE] = "left-is-alive",
    [LOST_IGNORED] = "lost-ignored",
    NULL,
};

int mutation_planted;

int __real_needs_of(const struct look *l, const struct needs_reading *reading,
                    struct needs *out);
int __wrap_needs_of(const struct look *l, const struct needs_reading *reading,
                    struct needs *out);
enum traffic __real_traffic_for(const struct look *l, int rank, int op, bool mourn);
enum traffic __wrap_traffic_for(const struct look *l, int rank, int op, bool mourn);
bool __real_traffic_is_taken(const struct look *l, int rank, int op, bool mourn);
bool __wrap_traffic_is_taken(const struct look *l, int rank, int op, bool mourn);

/* As if no receive had been posted before. */
static enum traffic without_order(const struct look *l, int rank, int op, bool mourn)
{
    const struct look_rank *r = &l->ranks[rank];
    enum look_kind kinds[STEPS_MOST];
    for (int i = 0; i < op; i++) {
        kinds[i] = r->ops[i].kind;
        r->ops[i].kind = LOOK_FREE;
    }
    enum traffic t = __real_traffic_for(l, rank, op, mourn);
    for (int i = 0; i < op; i++)
        r->ops[i].kind = kinds[i];
    return t;
}

enum traffic __wrap_traffic_for(const struct look *l, int rank, int op, bool mourn)
{
    if (mutation_planted == ORDER_FORGOTTEN)
        return without_order(l, rank, op, mourn);
    enum traffic t = __real_traffic_for(l, rank, op, mourn);
    if (mutation_planted == MESSAGE_FORGOTTEN ||
        (mutation_planted == CONTEST_FORGOTTEN && t == TRAFFIC_TAKEN))
        return TRAFFIC_NONE;
    return t;
}

bool __wrap_traffic_is_taken(const struct look *l, int rank, int op, bool mourn)
{
    if (mutation_planted == TAKER_FORGOTTEN)
        return false;
    return mutation_planted == TAKER_IMAGINED ||
           __real_traffic_is_taken(l, rank, op, mourn);
}

/* A rank as a bug would read it. */
static void misread(struct look_rank *r)
{
    if (mutation_planted == EPOCH_IGNORED)
        r->steady = true;
    if (mutation_planted == ANY_IS_ALL)
        r->any = false;
    if (mutation_planted == ALL_IS_ANY)
        r->any = true;
    if (mutation_planted == LOST_IGNORED)
        r->ops_lost = r->counts_lost = r->calls_lost = false;
    for (size_t i = 0; i < r->op_count; i++) {
        if (mutation_planted == SEND_IS_CERTAIN && r->ops[i].kind == LOOK_SEND)
            r->ops[i].kind = LOOK_SSEND;
        if (mutation_planted == LOOSE_IS_STRICT)
            r->ops[i].loose = false;
    }
}

/* The needs as a bug would understand them. */
static void misunderstand(struct needs *n)
{
    for (size_t i = 0; i < n->count; i++) {
        if (mutation_planted == NEED_DROPPED && !n->list[i].all &&
            n->list[i].on_count > 1)
            n->list[i].on_count--;
    }
    for (int i = 0; i < n->size; i++) {
        if (mutation_planted == LEFT_IS_ALIVE && n->stand[i] == NEED_LEFT)
            n->stand[i] = NEED_NOTHING;
    }
}

int __wrap_needs_of(const struct look *l, const struct needs_reading *reading,
                    struct needs *out)
{
    for (int i = 0; i < l->size; i++)
        misread(&l->ranks[i]);
    int rc = __real_needs_of(l, reading, out);
    misunderstand(out);
    return rc;
}
