/* words.c - what is said of ranks, calls and ends, in all forms of the report */
#include "guard/words.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"

enum {
    RANGES_SAID = 8,
};

/* How many ranks from `at` on follow one another. */
static size_t row_at(const int *ranks, size_t count, size_t at)
{
    size_t n = 1;
    while (at + n < count && ranks[at + n] == ranks[at] + (int)n)
        n++;
    return n == 2 ? 1 : n; /* "0 and 1", not "0-1" */
}

void words_ranks(FILE *to, const int *ranks, size_t count)
{
    fputs(count == 1 ? "rank " : "ranks ", to);
    size_t said = 0;
    for (size_t at = 0, row; at < count; at += row, said++) {
        row = row_at(ranks, count, at);
        if (said == RANGES_SAID && at + row < count) {
            fprintf(to, " and %zu others", count - at);
            return;
        }
        if (at > 0)
            fputs(at + row == count ? " and " : ", ", to);
        fprintf(to, "%d", ranks[at]);
        if (row > 1)
            fprintf(to, "-%d", ranks[at + row - 1]);
    }
}

static void object(FILE *to, const struct look *l, uint64_t id, const char *what)
{
    const struct look_comm *c = look_find_comm(l, id);
    if (c == NULL)
        fprintf(to, "a %s that is not known", what);
    else if (c->name != NULL)
        fputs(c->name, to);
    else /* by its place, so that two of the same size can be told apart */
        fprintf(to, "%s no. %td of %zu ranks", what, c - l->comms, c->member_count);
}

void words_comm(FILE *to, const struct look *l, uint64_t id)
{
    object(to, l, id, "communicator");
}

bool words_site(FILE *to, const struct look_site *site)
{
    if (site->text != NULL)
        fputs(site->text, to);
    else if (site->address != 0)
        fprintf(to, "0x%" PRIx64, site->address);
    return site->text != NULL || site->address != 0;
}

bool words_is_the_call(const struct look_rank *r, const struct look_op *o)
{
    return r->call == NULL || strcmp(r->call, o->call) == 0;
}

void words_origin(FILE *to, const struct look_op *o, bool named)
{
    if (named && !words_has_site(&o->site))
        return;
    fprintf(to, " (%s", named ? "" : o->call);
    if (words_has_site(&o->site)) {
        fputs(named ? "at " : " at ", to);
        words_site(to, &o->site);
    }
    fputs(")", to);
}

void words_duration(FILE *to, int64_t ns)
{
    int64_t tenths = (ns > 0 ? ns : 0) / (NS_PER_SEC / 10);
    if (tenths < 1)
        fprintf(to, "%" PRId64 " ms", (ns > 0 ? ns : 0) / NS_PER_MS);
    else if (tenths < 100)
        fprintf(to, "%" PRId64 ".%" PRId64 " s", tenths / 10, tenths % 10);
    else if (tenths < 6000)
        fprintf(to, "%" PRId64 " s", tenths / 10);
    else
        fprintf(to, "%" PRId64 " min", tenths / 600);
}

static void tag(FILE *to, const struct look_op *o)
{
    if (o->tag == LOOK_ANY)
        fputs(" with any tag", to);
    else
        fprintf(to, " with tag %d", o->tag);
}

/* MPI_COMM_WORLD goes without saying. */
static void on_comm(FILE *to, const struct look *l, uint64_t id)
{
    const struct look_comm *c = look_find_comm(l, id);
    if (c == NULL || (c->name != NULL && strcmp(c->name, "MPI_COMM_WORLD") == 0))
        return;
    fputs(" on ", to);
    words_comm(to, l, id);
}

static void peer(FILE *to, int rank)
{
    if (rank == LOOK_ANY)
        fputs("any rank", to);
    else
        fprintf(to, "rank %d", rank);
}

/* What a call of one-sided communication waits for is given as a message (look.h).
 * Returns false, and writes nothing, if it is another. */
static bool one_sided(FILE *to, const struct look_op *o)
{
    static const struct {
        const char *call;
        const char *needs;
    } known[] = {
        {"MPI_Win_start", "MPI_Win_post"},
        {"MPI_Win_complete", "MPI_Win_post"},
        {"MPI_Win_wait", "MPI_Win_complete"},
        {"MPI_Win_test", "MPI_Win_complete"},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(o->call, known[i].call) == 0) {
            peer(to, o->peer);
            fprintf(to, " to call %s", known[i].needs);
            return true;
        }
    }
    return false;
}

/* What a collective call is on. */
static const char *noun(const struct look_op *o)
{
    if (o->collective == LOOK_FENCE)
        return "window";
    bool file = o->collective == LOOK_FILE || strcmp(o->call, "MPI_File_close") == 0;
    return file ? "file" : "communicator";
}

static void collective(FILE *to, const struct look *l, const struct look_op *o)
{
    fputs(o->call, to);
    if (o->root != LOOK_NONE)
        fprintf(to, " with root %d", o->root);
    if (look_find_comm(l, o->comm) != NULL) {
        fputs(" on ", to);
        object(to, l, o->comm, noun(o));
    }
}

void words_operation(FILE *to, const struct look *l, const struct look_op *o)
{
    switch (o->kind) {
    case LOOK_RECV:
    case LOOK_PROBE:
        if (one_sided(to, o))
            break;
        fputs("a message from ", to);
        peer(to, o->peer);
        tag(to, o);
        on_comm(to, l, o->comm);
        break;
    case LOOK_SSEND:
    case LOOK_SEND:
        peer(to, o->peer);
        fputs(" to receive its message", to);
        tag(to, o);
        on_comm(to, l, o->comm);
        break;
    case LOOK_COLLECTIVE:
        collective(to, l, o);
        break;
    case LOOK_LOCK:
        peer(to, o->peer);
        fputs(" to give back its lock", to);
        break;
    case LOOK_OWN:
        fprintf(to, "another call of its own, to go on with its %s", o->call);
        break;
    case LOOK_FREE:
        fprintf(to, "its %s", o->call);
        break;
    }
}

const char *words_end_verb(const struct look_rank *r, bool many)
{
    if (r->state == LOOK_FINALIZING)
        return many ? "are at their end, " : "is at its end, ";
    if (r->state == LOOK_GONE && r->how == LOOK_KILLED)
        return many ? "were " : "was ";
    return many ? "have " : "has ";
}

void words_end(FILE *to, const struct look_rank *r)
{
    if (r->state == LOOK_FINALIZING) {
        fputs("in MPI_Finalize", to);
    } else if (r->state == LOOK_FINALIZED) {
        fputs("called MPI_Finalize", to);
    } else if (r->how == LOOK_KILLED) {
        const char *name = sigabbrev_np(r->how_code);
        fprintf(to, "killed by signal %d", r->how_code);
        if (name != NULL)
            fprintf(to, " (SIG%s)", name);
    } else {
        fprintf(to, "exited with status %d%s", r->how_code,
                r->initialized && !r->finalized ? ", without MPI_Finalize" : "");
    }
}

const char *words_state(enum look_state state)
{
    static const char *const names[] = {
        [LOOK_UNSEEN] = "unseen",
        [LOOK_RUNNING] = "running",
        [LOOK_BLOCKED] = "blocked",
        [LOOK_POLLING] = "polling",
        [LOOK_FINALIZING] = "finalizing",
        [LOOK_FINALIZED] = "finalized",
        [LOOK_GONE] = "gone",
    };
    return names[state];
}

const char *words_kind(enum look_kind kind)
{
    static const char *const names[] = {
        [LOOK_RECV] = "receive",
        [LOOK_PROBE] = "probe",
        [LOOK_SSEND] = "synchronous send",
        [LOOK_SEND] = "send",
        [LOOK_COLLECTIVE] = "collective",
        [LOOK_LOCK] = "lock",
        [LOOK_OWN] = "own",
        [LOOK_FREE] = "other",
    };
    return names[kind];
}

const char *words_what(enum verdict_what what)
{
    static const char *const names[] = {
        [VERDICT_GOING_ON] = "going on",
        [VERDICT_STUCK] = "stuck",
        [VERDICT_MISMATCH] = "mismatch",
        [VERDICT_QUIET] = "no progress",
    };
    return names[what];
}

const char *words_why(enum told_why why)
{
    static const char *const names[] = {
        [TOLD_NOTHING] = "nothing",
        [TOLD_HANG] = "hang",
        [TOLD_TIMEOUT] = "time limit",
        [TOLD_DEATH] = "death",
    };
    return names[why];
}

const char *words_doubt(unsigned bit)
{
    switch (bit) {
    case VERDICT_POLLING:
        return "polling";
    case VERDICT_BUFFERED:
        return "buffered";
    case VERDICT_THREADS:
        return "threads";
    case VERDICT_LOOSE:
        return "loose";
    case VERDICT_LOCK:
        return "lock";
    case VERDICT_ENDING:
        return "ending";
    default:
        return "midst";
    }
}

const char *words_doubt_said(unsigned bit)
{
    switch (bit) {
    case VERDICT_POLLING:
        return "a rank polls, and may stop doing so by itself";
    case VERDICT_BUFFERED:
        return "MPI may yet buffer a send that is not synchronous";
    case VERDICT_THREADS:
        return "a rank has several threads that may call MPI";
    case VERDICT_LOOSE:
        return "MPI may end a collective call early";
    case VERDICT_LOCK:
        return "it is not known who holds a window's lock";
    case VERDICT_ENDING:
        return "MPI may be slow to end, or be at fault itself";
    default:
        return "a rank has left, or comes to its end, in the midst of something";
    }
}
