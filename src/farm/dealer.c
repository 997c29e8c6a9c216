/* dealer.c - who gets the next block, of commands that read on */
#include "farm/dealer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "rota.h"

enum {
    STRETCHES = 32, /* that are kept of what a command was given */
};

/* Blocks that came one behind the other. */
struct stretch {
    uint64_t first;
    uint64_t last;
};

enum state {
    READS, /* what it was given */
    ASKS,
    TOLD, /* that there is no more */
    ENDED,
};

struct hand_out {
    struct dealer_who who; /* worker -1: it has never asked */
    enum state state;
    uint64_t asked; /* ASKS: the lower the earlier */
    struct stretch had[STRETCHES];
    int stretches;
    uint64_t more; /* blocks that these have no room for, */
    uint64_t last; /* and the last of them */
};

struct dealer {
    bool in_turn;
    struct hand_out *all; /* by their tasks' numbers */
    size_t count;
    size_t cap;
    size_t turn; /* whose it is */
    uint64_t asks;
};

int dealer_new(bool in_turn, struct dealer **out)
{
    struct dealer *d = calloc(1, sizeof(*d));
    if (d == NULL)
        return ROTA_E_NOMEM;
    d->in_turn = in_turn;
    *out = d;
    return 0;
}

void dealer_free(struct dealer *d)
{
    if (d == NULL)
        return;
    free(d->all);
    free(d);
}

static struct hand_out *find(const struct dealer *d, uint64_t task)
{
    return task < d->count ? &d->all[task] : NULL;
}

/* ---- blocks ------------------------------------------------------------------ */

static void note_block(struct hand_out *h, uint64_t block)
{
    struct stretch *last = h->stretches > 0 ? &h->had[h->stretches - 1] : NULL;
    if (last != NULL && h->more == 0 && last->last + 1 == block) {
        last->last = block;
    } else if (h->stretches < STRETCHES) {
        h->had[h->stretches++] = (struct stretch){block, block};
    } else {
        h->more++;
        h->last = block;
    }
}

int dealer_begin(struct dealer *d, uint64_t task, uint64_t block)
{
    if (task != d->count)
        return ROTA_E_ARG;
    if (d->count == d->cap) {
        size_t cap = d->cap * 2 + 8;
        struct hand_out *all = realloc(d->all, cap * sizeof(*all));
        if (all == NULL)
            return ROTA_E_NOMEM;
        d->all = all;
        d->cap = cap;
    }
    struct hand_out *h = &d->all[d->count++];
    *h = (struct hand_out){.who = {.worker = -1, .task = task}, .state = READS};
    note_block(h, block);
    return 0;
}

/* ---- who --------------------------------------------------------------------- */

void dealer_ask(struct dealer *d, const struct dealer_who *who)
{
    struct hand_out *h = find(d, who->task);
    if (h == NULL || h->state != READS)
        return;
    h->who = *who;
    h->state = ASKS;
    h->asked = d->asks++;
}

static bool may_have_more(const struct hand_out *h)
{
    return h->state == READS || h->state == ASKS;
}

/* The one whose turn it is, if it has asked. */
static const struct hand_out *next_in_turn(const struct dealer *d)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct hand_out *h = &d->all[(d->turn + i) % d->count];
        if (may_have_more(h))
            return h->state == ASKS ? h : NULL;
    }
    return NULL;
}

static const struct hand_out *first_to_ask(const struct dealer *d)
{
    const struct hand_out *first = NULL;
    for (const struct hand_out *h = d->all; h < d->all + d->count; h++)
        if (h->state == ASKS && (first == NULL || h->asked < first->asked))
            first = h;
    return first;
}

bool dealer_next(const struct dealer *d, bool over, struct dealer_who *out)
{
    const struct hand_out *h = d->in_turn && !over ? next_in_turn(d) : first_to_ask(d);
    if (h == NULL)
        return false;
    *out = h->who;
    return true;
}

void dealer_gave(struct dealer *d, uint64_t task, uint64_t block)
{
    struct hand_out *h = find(d, task);
    if (h == NULL || h->state != ASKS)
        return;
    h->state = block == 0 ? TOLD : READS;
    if (block != 0)
        note_block(h, block);
    d->turn = (size_t)task + 1;
}

void dealer_ended(struct dealer *d, uint64_t task)
{
    struct hand_out *h = find(d, task);
    if (h != NULL)
        h->state = ENDED;
}

void dealer_lost(struct dealer *d, int worker)
{
    for (size_t i = 0; i < d->count; i++)
        if (d->all[i].who.worker == worker)
            d->all[i].state = ENDED;
}

bool dealer_has_told(const struct dealer *d, uint64_t task)
{
    const struct hand_out *h = find(d, task);
    return h != NULL && h->state == TOLD;
}

size_t dealer_living(const struct dealer *d)
{
    size_t living = 0;
    for (size_t i = 0; i < d->count; i++)
        living += may_have_more(&d->all[i]);
    return living;
}

/* ---- in words ---------------------------------------------------------------- */

/* Append to what is in `buf`, as far as there is room. */
static void __attribute__((format(printf, 4, 5)))
put(char *buf, size_t size, size_t *used, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(buf + *used, size - *used, format, args);
    va_end(args);
    *used += n > 0 ? (size_t)n : 0;
    if (*used >= size)
        *used = size - 1;
}

const char *dealer_text(const struct dealer *d, uint64_t task, char *buf, size_t size)
{
    const struct hand_out *h = find(d, task);
    size_t used = 0;
    buf[0] = '\0';
    if (h == NULL)
        return buf;
    bool one = h->stretches == 1 && h->more == 0 && h->had[0].first == h->had[0].last;
    put(buf, size, &used, one ? "block" : "blocks");
    for (int i = 0; i < h->stretches; i++) {
        const struct stretch *s = &h->had[i];
        put(buf, size, &used, "%s %" PRIu64, i > 0 ? "," : "", s->first);
        if (s->last > s->first)
            put(buf, size, &used, "-%" PRIu64, s->last);
    }
    if (h->more > 0)
        put(buf, size, &used, " and %" PRIu64 " more, the last %" PRIu64, h->more,
            h->last);
    return buf;
}
