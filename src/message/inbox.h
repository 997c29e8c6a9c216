/* inbox.h - messages that have come whole and have not been received yet
 *
 * Pure. A message is found by source and tag, either of which may be any, the
 * earliest first: in order of arrival over all sources, which for one source is
 * the order of sending. Taking the earliest of all, or of one source, costs the
 * same however many wait; a tag is searched for.
 */
#ifndef ROTA_MESSAGE_INBOX_H
#define ROTA_MESSAGE_INBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

struct letter {
    TAILQ_ENTRY(letter) in_all;
    TAILQ_ENTRY(letter) in_source;
    int source;
    int tag;
    size_t size;
    void *data; /* letter_data_new(size); NULL where there was no memory for it */
};

struct inbox;

/* An inbox for messages from `sources` ranks. NULL without memory. */
struct inbox *inbox_new(int sources);
void inbox_free(struct inbox *b);

/* Room for a letter's `size` bytes and the 0 after them, which is set; NULL without
 * memory. Room for a short letter that is given back is kept for the next, one a
 * thread: most short messages then cost no call of malloc. */
void *letter_data_new(size_t size);
void letter_data_free(void *data, size_t size);

/* A letter around `data`, of letter_data_new() or NULL, which it takes. NULL without
 * memory for the letter itself: `data` is then still the caller's. */
struct letter *letter_wrap(struct inbox *b, int source, int tag, size_t size,
                           void *data);
/* Free a letter that is in no inbox, with its data. NULL is accepted. */
void letter_free(struct inbox *b, struct letter *l);

/* The letter has come whole: the inbox owns it. */
void inbox_put(struct inbox *b, struct letter *l);
/* The earliest that fits (source or tag -1: any), which stays; NULL: none. */
struct letter *inbox_find(const struct inbox *b, int source, int tag);
/* Take a found letter out: the caller owns it. */
void inbox_take(struct inbox *b, struct letter *l);

#endif
