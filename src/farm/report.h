/* report.h - what a worker's message, or the manager itself, says of successive tasks
 *
 * A report is gone through twice, by two cursors: at its coming, when the plan accepts
 * or refuses each of its results (what is refused is noted in the report), and when the
 * results are told. Both see it in parts: results that share all but their values.
 */
#ifndef ROTA_FARM_REPORT_H
#define ROTA_FARM_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "execute/parcel.h"
#include "rota.h"

/* A place in a report: the next task, where its record or row begins, and how many of
 * that row are behind us. */
struct cursor {
    uint64_t task;
    size_t at;
    uint32_t into;
};

/* Tasks whose results do not count. */
struct refusal {
    uint64_t first;
    uint64_t count;
};

struct report {
    TAILQ_ENTRY(report) link;
    unsigned char *data; /* NULL: one that no message told */
    size_t size;
    int worker;
    int attempts;
    int64_t ended_ns;
    uint64_t lease;
    int64_t busy_ns;
    uint32_t count;
    uint64_t end;         /* the number behind its last task */
    struct cursor seen;   /* by the plan, so far */
    uint32_t unborn;      /* tasks of the record at `seen` that are not submitted yet */
    struct cursor told;   /* to the user, so far */
    uint64_t forget_from; /* told, but not yet forgotten by the ledger */
    enum rota_outcome how; /* without data */
    int code;
    struct refusal first_refusal; /* so that the first needs no memory */
    struct refusal *refusals;     /* the further ones */
    size_t refusals_count;        /* of all */
    size_t refusals_room;
    size_t refusals_told; /* are behind `told` */
};

/* Free `r`, but not its data. */
void report_free(struct report *r);

/* What stands at a cursor, in a report with data. */
struct report_part {
    struct parcel_result result; /* of the next task; */
    uint32_t count; /* of so many that share all but their values, which are
                       parcel_padded(result.size) bytes apart */
};

/* Read it. Fails with ROTA_E_FORMAT, also where it says more than the report is about;
 * *out is anything then. */
int report_read(const struct report *r, const struct cursor *c,
                struct report_part *out);

/* Move a cursor over `count` results, which have been found readable. */
void report_pass(const struct report *r, struct cursor *c, uint64_t count);

/* How many values, and nothing else, stand from `seen` on; *end is behind them. */
uint64_t report_values(const struct report *r, struct cursor *end);

/* Note that `count` results from `first` on do not count. Each is behind the one noted
 * before. There must be room: report_reserve(), 0 or ROTA_E_NOMEM. */
int report_reserve(struct report *r);
void report_refuse(struct report *r, uint64_t first, uint64_t count);

/* Of `count` tasks from `told` on, how many are refused, or how many are not, the same
 * holding for all of these. */
uint64_t report_refused(struct report *r, uint64_t count, bool *refused);

#endif
