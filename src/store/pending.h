/* pending.h - records that wait for the next commit
 *
 * They stand one behind another in one block of memory, and stay there until they are
 * on disk: a commit that fails loses nothing, and can be tried again.
 */
#ifndef ROTA_STORE_PENDING_H
#define ROTA_STORE_PENDING_H

#include <stddef.h>
#include <stdint.h>

enum record_kind {
    RECORD_TASK,   /* n: task; texts: argument, further */
    RECORD_NAME,   /* n: place; texts: name */
    RECORD_LISTED, /* nothing more */
    RECORD_RESULT, /* n: enum result_number; texts: reason, out, err */
    RECORD_OUTPUT, /* n: task, stream, part; texts: bytes */
    RECORD_TRY,    /* n: so too */
    RECORD_CAME,   /* n: session, rank, slots, came_ns; texts: host */
    RECORD_WENT,   /* n: session, rank, went_ns; texts: how */
    RECORD_EVENT,  /* n: event, at_ns; texts: what */
    RECORD_KINDS,
};

enum result_number {
    RESULT_TASK,
    RESULT_OUTCOME,
    RESULT_CODE,
    RESULT_ATTEMPT,
    RESULT_SESSION,
    RESULT_RANK,
    RESULT_ENDED,
    RESULT_TOOK,
    RESULT_OUT_PARTS, /* that were recorded before */
    RESULT_ERR_PARTS,
    RECORD_NUMBERS,
};

enum {
    RECORD_TEXTS = 3,
};

struct text {
    const void *data; /* NULL: none */
    size_t size;
};

struct record {
    enum record_kind kind;
    int64_t n[RECORD_NUMBERS];
    struct text text[RECORD_TEXTS];
};

/* All zeros: empty. */
struct pending {
    unsigned char *data;
    size_t size; /* bytes */
    size_t cap;
    size_t results; /* how many of the records are */
};

/* Copy a record. Returns 0 or ROTA_E_NOMEM. */
int pending_add(struct pending *p, const struct record *r);

/* The record at *place, which begins with 0 and moves on; its texts are borrowed until
 * the next pending_add. Returns whether there was one. */
int pending_next(const struct pending *p, size_t *place, struct record *out);

/* All are on disk. Gives back what memory an unusual group took. */
void pending_clear(struct pending *p);

void pending_done(struct pending *p);

#endif
