/* tasks.h - the tasks of a run: their commands, and what is to be known at their end
 *
 * Each row of arguments makes a task, and so does each block of --pipe (with
 * --round-robin, each that is asked for as one); they are numbered from 1, by their
 * places in the whole list, of which some may have been done before (past.h). Of those
 * that are under way the ticket is kept, where somebody will want it. In a run that is
 * recorded the rows come by way of its run file (list.h).
 */
#ifndef ROTA_CLI_TASKS_H
#define ROTA_CLI_TASKS_H

#include <stdint.h>

#include "cli/options.h"
#include "cli/sources.h"
#include "cli/template.h"
#include "farm/crew.h"
#include "store/store.h"

struct tasks;

/* What is known of a task when it ends; what was not wanted is NULL. */
struct ticket {
    char *block;         /* free(): ticket_done */
    const char *tag;     /* --tag */
    const char *command; /* as a shell's command line */
    const char *folder;  /* --results: DIR/1/a/2/b/ */
};

/* Borrows `o`. *out is the caller's: tasks_close(). Fails as sources_open does. */
int tasks_open(const struct run_options *o, struct tasks **out, struct rota_error *err);

/* Before the first task: let them come by way of the run's file, which is borrowed
 * until tasks_close(). A run that is resumed needs this. Fails as list_open does. */
int tasks_record(struct tasks *t, struct store *store, struct rota_error *err);
void tasks_close(struct tasks *t);

/* The next task's command (for a persistent program its arguments) and its number:
 * out->argv is one block, to be freed; the rest is borrowed until the next call. Does
 * not wait: fails as sources_next (or list_next, or blocks_next) and template_new do.
 */
int tasks_next(struct tasks *t, struct commands_spec *out, struct rota_error *err);

/* Of --round-robin, whose tasks begin with a block each: the next block, for one of
 * those that there are, as tasks_next: out->input. */
int tasks_more(struct tasks *t, struct commands_spec *out, struct rota_error *err);

/* Read the list ahead, where it is recorded. Often. */
void tasks_tick(struct tasks *t);

/* Why what has not come of the list will not; NULL: there is nothing more, or it will.
 * Valid as long as `t` is. */
const char *tasks_trouble(const struct tasks *t);

/* The same as a shell's command line, with its 0 byte, in place of what `line` holds.
 */
int tasks_next_line(struct tasks *t, struct blob *line, struct rota_error *err);

/* The ticket of the task with this number, which is under way: borrowed until the next
 * call. */
struct ticket tasks_ticket(const struct tasks *t, uint64_t number);

/* The task with this number has ended: its ticket is the caller's. */
struct ticket tasks_take_ticket(struct tasks *t, uint64_t number);

static inline void ticket_done(struct ticket *k)
{
    free(k->block);
    *k = (struct ticket){0};
}

/* How many have not been given, or -1 where that is not known. */
int64_t tasks_left(const struct tasks *t);

ROTA_AUTO_DEFINE(tasks, struct tasks *, tasks_close);

#endif
