/* details.c - what every rank is doing */
#include "guard/details.h"

#include "guard/words.h"

/* "waits for a message from rank 2 with tag 7 (MPI_Irecv at a.c:9), 8 bytes" */
static void detail_op(FILE *to, const struct look *l, const struct look_rank *r,
                      const struct look_op *o)
{
    bool collective = o->kind == LOOK_COLLECTIVE;
    fprintf(to, "      %s ",
            o->awaited ? collective ? "is in" : "waits for"
                       : "has begun, and not waited for:");
    words_operation(to, l, o);
    if (collective)
        fprintf(to, ", the collective call number %llu there",
                (unsigned long long)o->index);
    if (!o->awaited || !words_is_the_call(r, o))
        words_origin(to, o, collective);
    if (o->size_bytes >= 0)
        fprintf(to, ", %lld bytes", (long long)o->size_bytes);
    fputs("\n", to);
}

static void detail_rank(FILE *to, const struct look *l, int rank)
{
    const struct look_rank *r = &l->ranks[rank];
    fprintf(to, "    rank %d", rank);
    if (r->host != NULL)
        fprintf(to, " on %s", r->host);
    if (r->pid != 0)
        fprintf(to, ", process %d", r->pid);
    fputs(": ", to);
    if (r->state == LOOK_GONE)
        words_end(to, r);
    else
        fputs(words_state(r->state), to);
    if (r->state != LOOK_GONE && r->call != NULL)
        fprintf(to, r->state == LOOK_RUNNING ? ", last in %s" : " in %s", r->call);
    if (r->state != LOOK_GONE && words_has_site(&r->site)) {
        fputs(" at ", to);
        words_site(to, &r->site);
    }
    fputs(" for ", to);
    words_duration(to, l->now_ns - r->since_ns);
    fputs("\n", to);
    for (size_t i = 0; i < r->op_count; i++)
        detail_op(to, l, r, &r->ops[i]);
}

void details_text(FILE *to, const struct look *l)
{
    fputs("  all ranks:\n", to);
    for (int i = 0; i < l->size; i++)
        detail_rank(to, l, i);
}
