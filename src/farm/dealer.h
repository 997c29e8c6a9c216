/* dealer.h - who gets the next block, of commands that read on
 *
 *     dealer_begin(d, task, block)             a command was made, with its first block
 *     dealer_ask(d, &who)                      it has taken what it had, and wants more
 *     while (dealer_next(d, over, &who)) ...   the one that is to have the next block,
 *     dealer_gave(d, who.task, block);         and has it
 *     dealer_ended(d, task)                    it gets nothing any more
 *
 * Pure. Whoever has asked first gets the next block; or, in turn, each gets every so
 * manieth one, as it comes: then what a command reads follows from its place alone, as
 * long as none ends before its input does.
 *
 * What each command was given is kept, as numbers of blocks (from 1): if it fails, that
 * is what it had, and nobody can tell how much of that it has dealt with.
 */
#ifndef ROTA_FARM_DEALER_H
#define ROTA_FARM_DEALER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

struct dealer;

/* An attempt at a command. */
struct dealer_who {
    int worker;
    uint64_t lease;
    uint64_t task;
};

/* *out is the caller's: dealer_free(). Fails with ROTA_E_NOMEM. */
int dealer_new(bool in_turn, struct dealer **out);
void dealer_free(struct dealer *d);

/* Command `task` (from 0, in their order) is there, and has block number `block`. Fails
 * with ROTA_E_NOMEM. */
int dealer_begin(struct dealer *d, uint64_t task, uint64_t block);

/* It wants more. One that has not begun, or has ended, is ignored. */
void dealer_ask(struct dealer *d, const struct dealer_who *who);

/* Who is to have the next block; or with `over`, as there is none, who is to be told so
 * next. False: nobody, for now. */
bool dealer_next(const struct dealer *d, bool over, struct dealer_who *out);

/* `task`, of dealer_next, has block number `block`; or 0: it was told that there is no
 * more. */
void dealer_gave(struct dealer *d, uint64_t task, uint64_t block);

/* It gets nothing any more; or all those at a worker that have ever asked. */
void dealer_ended(struct dealer *d, uint64_t task);
void dealer_lost(struct dealer *d, int worker);

/* Whether `task` was told that there is no more. */
bool dealer_has_told(const struct dealer *d, uint64_t task);

/* How many have begun, have not ended, and were not told that there is no more. */
size_t dealer_living(const struct dealer *d);

/* The blocks that `task` was given, in words: "blocks 1, 4-6, 9"; of very many the
 * first, how many more, and the last. Returns `buf`, always terminated; "" where there
 * is no such task. */
const char *dealer_text(const struct dealer *d, uint64_t task, char *buf, size_t size);

ROTA_AUTO_DEFINE(dealer, struct dealer *, dealer_free);

#endif
