/* report.c - what there is to tell, told to people
 *
 *     rota: this program can't go on: rank 0 waits for rank 2, which can't answer ...
 *       rank 0 waits for a message from rank 2 with tag 7: MPI_Recv at fail.c:23, ...
 *       rank 2 has exited with status 1
 *       ranks 1 and 3 are at their end, in MPI_Finalize
 *
 * Ranks of which the same can be said are named together: what is said of each is
 * composed without its subject, and compared.
 */
#include "guard/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "guard/details.h"
#include "guard/doing.h"
#include "guard/graph.h"
#include "guard/hints.h"
#include "guard/mismatch.h"
#include "guard/sayings.h"
#include "guard/words.h"
#include "rota.h"

enum {
    LINES_SAID = 12, /* of those that wait, and of those that have left */
    OTHERS_SAID = 6,
    WAITS_SAID = 3, /* of one rank */
};

/* --- what a rank waits for -------------------------------------------------------- */

static void say_wait(FILE *to, const struct look *l, const struct verdict_wait *w)
{
    const struct look_rank *r = &l->ranks[w->rank];
    if (w->op < 0) {
        fputs("in MPI_Finalize for ", to);
        words_ranks(to, w->on, w->on_count);
        return;
    }
    const struct look_op *o = &r->ops[w->op];
    bool collective = o->kind == LOOK_COLLECTIVE;
    fputs(collective ? "in " : "for ", to);
    words_operation(to, l, o);
    if (!words_is_the_call(r, o))
        words_origin(to, o, collective);
    if (collective && w->on_count > 0) {
        fputs(" for ", to);
        words_ranks(to, w->on, w->on_count);
    }
}

/* The call that the rank is in: ": MPI_Waitall of 5 operations at ring.c:17". One that
 * has been named is not named again. */
static void say_call(FILE *to, const struct look_rank *r, bool named)
{
    size_t awaited = 0;
    for (size_t i = 0; i < r->op_count; i++)
        awaited += r->ops[i].awaited;
    bool names = r->call != NULL && !named;
    if (names || words_has_site(&r->site))
        fputs(":", to);
    if (names)
        fprintf(to, " %s", r->call);
    if (names && awaited > 1)
        fprintf(to, " of %zu operations", awaited);
    if (words_has_site(&r->site)) {
        fputs(" at ", to);
        words_site(to, &r->site);
    }
}

/* All of it, behind "waits". */
static void say_waits(FILE *to, const struct look *l, const struct verdict *v, int rank)
{
    const struct look_rank *r = &l->ranks[rank];
    bool any = r->any || r->state == LOOK_POLLING;
    size_t count;
    const struct verdict_wait *waits = verdict_waits_of(v, rank, &count);
    for (size_t i = 0; i < count && i < WAITS_SAID; i++) {
        fputs(i == 0 ? "" : any ? " or " : " and ", to);
        say_wait(to, l, &waits[i]);
    }
    if (count > WAITS_SAID)
        fprintf(to, " %s %zu more", any ? "or" : "and", count - WAITS_SAID);
    bool named = false;
    if (count == 1 && waits[0].op >= 0)
        named = r->ops[waits[0].op].kind == LOOK_COLLECTIVE &&
                words_is_the_call(r, &r->ops[waits[0].op]);
    say_call(to, r, named || (count == 1 && waits[0].op < 0));
}

/* A rank that is blocked in a call which others have made otherwise. */
static void say_blocked(FILE *to, const struct look *l, const struct verdict *v,
                        int rank)
{
    const struct look_rank *r = &l->ranks[rank];
    for (size_t i = 0; i < r->op_count; i++) {
        if (r->ops[i].awaited && r->ops[i].kind == LOOK_COLLECTIVE) {
            fputs("in ", to);
            words_operation(to, l, &r->ops[i]);
            say_call(to, r, words_is_the_call(r, &r->ops[i]));
            return;
        }
    }
    say_waits(to, l, v, rank);
}

/* --- the lines ------------------------------------------------------------------- */

static void gather_waits(struct sayings *s, const struct look *l,
                         const struct verdict *v)
{
    for (size_t i = 0; i < v->stuck_count; i++) {
        int rank = v->stuck[i];
        const struct look_rank *r = &l->ranks[rank];
        bool polls = r->state == LOOK_POLLING;
        FILE *to =
            sayings_begin(s, polls ? "polls " : "waits ", polls ? "poll " : "wait ");
        if (to == NULL)
            return;
        if (v->wait_count > 0)
            say_waits(to, l, v, rank);
        else
            say_blocked(to, l, v, rank);
        sayings_end(s, rank, l->now_ns - r->since_ns);
    }
}

static bool has_left(const struct look *l, int rank)
{
    return l->ranks[rank].state >= LOOK_FINALIZING;
}

static void gather_ends(struct sayings *s, const struct look *l,
                        const struct verdict *v)
{
    for (int i = 0; i < l->size; i++) {
        if (!has_left(l, i) || !graph_is_left(v, i))
            continue;
        const struct look_rank *r = &l->ranks[i];
        FILE *to = sayings_begin(s, words_end_verb(r, false), words_end_verb(r, true));
        if (to == NULL)
            return;
        words_end(to, r);
        sayings_end(s, i, -1);
    }
}

static int say_lines(FILE *to, const struct look *l, const struct verdict *v,
                     void (*gather)(struct sayings *, const struct look *,
                                    const struct verdict *))
{
    struct sayings s;
    sayings_init(&s);
    gather(&s, l, v);
    int rc = sayings_write(&s, to, LINES_SAID);
    sayings_done(&s);
    return rc;
}

/* --- the first line -------------------------------------------------------------- */

/* Is the rank waited for by one that is not in MPI_Finalize itself, or, with `all`, by
 * any? */
static bool is_needed(const struct look *l, const struct verdict *v, int rank, bool all)
{
    for (size_t i = 0; i < v->wait_count; i++) {
        const struct verdict_wait *w = &v->waits[i];
        for (size_t j = 0; j < w->on_count; j++) {
            if (w->on[j] == rank && (all || !has_left(l, w->rank)))
                return true;
        }
    }
    return false;
}

/* The ranks that have left and are waited for; *ranks is the caller's. */
static int find_left(const struct look *l, const struct verdict *v, bool all,
                     int **ranks, size_t *count)
{
    *count = 0;
    *ranks = calloc((size_t)l->size, sizeof(**ranks));
    if (*ranks == NULL)
        return ROTA_E_NOMEM;
    for (int i = 0; i < l->size; i++) {
        if (has_left(l, i) && is_needed(l, v, i, all))
            (*ranks)[(*count)++] = i;
    }
    return 0;
}

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static int say_cycle(FILE *to, const struct verdict *v)
{
    size_t n = v->cycle_count;
    int *sorted = calloc(n, sizeof(*sorted));
    if (sorted == NULL)
        return ROTA_E_NOMEM;
    memcpy(sorted, v->cycle, n * sizeof(*sorted));
    qsort(sorted, n, sizeof(*sorted), compare);
    words_ranks(to, sorted, n);
    if (n == 1)
        fputs(" waits for itself", to);
    else
        fputs(n == 2 ? " wait for each other" : " wait for each other in a circle", to);
    free(sorted);
    return 0;
}

static bool has_nobody(const struct verdict *v)
{
    for (size_t i = 0; i < v->wait_count; i++) {
        if (v->waits[i].on_count == 0)
            return true;
    }
    return false;
}

/* The stuck ranks, those in MPI_Finalize left out unless `all` are wanted. */
static int say_subject(FILE *to, const struct look *l, const struct verdict *v,
                       bool all)
{
    rota_auto(heap) int *ranks = calloc(v->stuck_count + 1, sizeof(*ranks));
    if (ranks == NULL)
        return ROTA_E_NOMEM;
    size_t count = 0;
    for (size_t i = 0; i < v->stuck_count; i++) {
        if (all || !has_left(l, v->stuck[i]))
            ranks[count++] = v->stuck[i];
    }
    words_ranks(to, ranks, count);
    fputs(count == 1 ? " waits for " : " wait for ", to);
    return 0;
}

/* Are all of them in MPI_Finalize? */
static bool do_all_finalize(const struct look *l, const struct verdict *v)
{
    for (size_t i = 0; i < v->stuck_count; i++) {
        if (!has_left(l, v->stuck[i]))
            return false;
    }
    return true;
}

/* Why the stuck are stuck: a circle, somebody who has left, or nobody. */
static int say_cause(FILE *to, const struct look *l, const struct verdict *v)
{
    if (v->cycle_count > 0)
        return say_cycle(to, v);
    if (v->doubts & VERDICT_ENDING) {
        fputs("all ranks have called MPI_Finalize, and it does not return", to);
        return 0;
    }
    bool all = do_all_finalize(l, v);
    rota_auto(heap) int *left = NULL;
    size_t count;
    int rc = find_left(l, v, all, &left, &count);
    if (rc == 0)
        rc = say_subject(to, l, v, all);
    if (rc != 0)
        return rc;
    if (count > 0) {
        words_ranks(to, left, count);
        fputs(", which can't answer any more", to);
    } else {
        fputs(has_nobody(v) ? "something that nobody can do" : "each other", to);
    }
    return 0;
}

static void say_otherwise(FILE *to, const struct look *l, const struct verdict *v)
{
    const struct verdict_mismatch *m = &v->mismatch;
    const struct look_op *o = &l->ranks[m->rank].ops[m->op];
    struct mismatch_side other = mismatch_other(l, m);
    fprintf(to, "rank %d calls %s", m->rank, o->call);
    if (m->root)
        fprintf(to, " with root %d", o->root);
    fprintf(to, " where rank %d %s %s", m->other, other.past ? "has called" : "calls",
            other.call);
    if (m->root)
        fprintf(to, " with root %d", other.root);
    if (words_has_site(other.site)) {
        fputs(" (at ", to);
        words_site(to, other.site);
        fputs(")", to);
    }
}

static int64_t quiet_for(const struct look *l, const struct verdict *v)
{
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < v->stuck_count; i++) {
        const struct look_rank *r = &l->ranks[v->stuck[i]];
        int64_t last = r->state == LOOK_POLLING || r->progress_ns > r->since_ns
                           ? r->progress_ns
                           : r->since_ns;
        least = l->now_ns - last < least ? l->now_ns - last : least;
    }
    return least;
}

static int say_headline(FILE *to, const struct look *l, const struct verdict *v)
{
    int rc = 0;
    fputs("rota: ", to);
    if (v->what == VERDICT_MISMATCH) {
        fputs("the ranks do not make the same collective calls: ", to);
        say_otherwise(to, l, v);
    } else if (v->what == VERDICT_STUCK) {
        fputs("this program can't go on: ", to);
        rc = say_cause(to, l, v);
    } else {
        fputs("no progress for ", to);
        words_duration(to, quiet_for(l, v));
        fputs(": ", to);
        rc = say_cause(to, l, v);
    }
    fputs("\n", to);
    return rc;
}

static void say_doubts(FILE *to, const struct verdict *v)
{
    const char *link = "  this is likely, and not proved: ";
    for (unsigned bit = 1; bit <= v->doubts; bit <<= 1) {
        if ((v->doubts & bit) == 0)
            continue;
        fputs(link, to);
        fputs(words_doubt_said(bit), to);
        link = "; ";
    }
    if (v->doubts != 0)
        fputs("\n", to);
}

static int say_verdict(FILE *to, const struct look *l, const struct verdict *v)
{
    int rc = say_headline(to, l, v);
    if (rc == 0)
        rc = say_lines(to, l, v, gather_waits);
    if (rc == 0)
        rc = say_lines(to, l, v, gather_ends);
    if (rc != 0)
        return rc;
    hints_text(to, l, v);
    say_doubts(to, v);
    return 0;
}

/* --- the whole ------------------------------------------------------------------- */

/* Those of whom the verdict has said nothing. */
static int say_others(FILE *to, const struct look *l, const struct verdict *v)
{
    rota_auto(heap) bool *others = calloc((size_t)l->size, sizeof(*others));
    if (others == NULL)
        return ROTA_E_NOMEM;
    for (int i = 0; i < l->size; i++)
        others[i] = !graph_is_stuck(v, i) && !(has_left(l, i) && graph_is_left(v, i));
    return doing_text(to, l, others, OTHERS_SAID);
}

static void say_why(FILE *to, const struct told *t)
{
    if (t->why == TOLD_TIMEOUT) {
        fprintf(to, "rota: the time limit is over after %.1f s%s\n",
                (double)t->ran_ns / (double)NS_PER_SEC,
                t->verdict->what == VERDICT_GOING_ON ? "; nothing is known to hang"
                                                     : "");
    } else if (t->why == TOLD_DEATH) {
        const struct look_rank *r = &t->look->ranks[t->dead];
        fprintf(to, "rota: rank %d ", t->dead);
        if (r->state == LOOK_GONE) {
            fputs(words_end_verb(r, false), to);
            words_end(to, r);
        } else {
            fputs("is lost, with its host or the parent above it", to);
        }
        fputs("; the others are ended\n", to);
    }
}

static void say_stacks(FILE *to, const struct told *t)
{
    for (int i = 0; t->stacks != NULL && i < t->look->size; i++) {
        if (t->stacks[i] != NULL)
            fprintf(to, "  stack of rank %d:\n%s", i, t->stacks[i]);
    }
}

int report_text(FILE *to, const struct told *t, bool details)
{
    bool going_on = t->verdict->what == VERDICT_GOING_ON;
    int rc = 0;
    say_why(to, t);
    if (!going_on)
        rc = say_verdict(to, t->look, t->verdict);
    if (rc == 0 && !details)
        rc = going_on ? doing_text(to, t->look, NULL, LINES_SAID)
                      : say_others(to, t->look, t->verdict);
    if (rc != 0)
        return rc;
    if (details)
        details_text(to, t->look);
    say_stacks(to, t);
    return fflush(to) != 0 || ferror(to) ? ROTA_E_IO : 0;
}
