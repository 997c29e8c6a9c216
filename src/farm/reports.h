/* reports.h - what became of tasks, until it has been told
 *
 * Reports (report.h) wait in a queue; or, where results come in order, in a heap by the
 * next task that each of them would tell. The head is the one to tell from.
 */
#ifndef ROTA_FARM_REPORTS_H
#define ROTA_FARM_REPORTS_H

#include "farm/report.h"

TAILQ_HEAD(report_list, report);

struct reports {
    bool in_order;
    void (*done)(void *ctx, void *data, size_t size); /* with a report's data */
    void *ctx;
    size_t bytes; /* of all that wait */
    struct report_list queue;
    struct report **heap; /* in_order: instead of the queue */
    size_t heap_count;
    size_t heap_cap;
    struct report *spent; /* told, but its bytes may still be looked at */
};

void reports_init(struct reports *s, bool in_order,
                  void (*done)(void *ctx, void *data, size_t size), void *ctx);
void reports_done(struct reports *s);

/* Room for one more: 0 or ROTA_E_NOMEM. */
int reports_reserve(struct reports *s);

/* A report without a message, for reports_keep(), and room for it. NULL without memory;
 * else the caller's, free(). */
struct report *reports_new(struct reports *s);

/* Takes `r`. Needs no memory: there is room. */
void reports_keep(struct reports *s, struct report *r);

/* NULL: none waits. */
struct report *reports_head(const struct reports *s);

/* The head has told a task: let it stand where its next one belongs. */
void reports_move_head(struct reports *s);

/* The head has told all. Its bytes stay until this is called again. */
void reports_retire_head(struct reports *s);

/* Free a report that is not kept, with its data. NULL is accepted. */
void reports_free(struct reports *s, struct report *r);

#endif
