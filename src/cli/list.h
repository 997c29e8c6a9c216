/* list.h - the list of a run that is recorded: read ahead into its run file
 *
 *     list_open(&options, &l, &err);
 *     while (list_next(l, &row, &number, &err) == 0) ...
 *     list_tick(l);                                      often
 *     list_close(l);
 *
 * What is to do must outlive whoever has the list: so rows are read ahead of those that
 * are given, as far as LIST_AHEAD_TASKS and LIST_AHEAD_BYTES, and recorded. Those that
 * memory has no room for come back from the run file in their turn. Nothing here waits
 * for the list.
 *
 * In a run that is resumed come first those rows that the file has without a result,
 * and then what it has not of the list; if that is still to be had.
 */
#ifndef ROTA_CLI_LIST_H
#define ROTA_CLI_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "cli/sources.h"
#include "store/store.h"

enum {
    LIST_AHEAD_TASKS = 4 << 20,
    LIST_AHEAD_BYTES = 512 << 20,
};

struct list_options {
    struct store *store; /* borrowed */
    /* The list's next row: as sources_next. NULL: it can't be read. */
    int (*read)(void *ctx, struct row *out, struct rota_error *err);
    /* The names of its columns, once there was a row. */
    struct row (*names)(void *ctx);
    void *ctx;
};

struct list;

/* *out is the caller's: list_close(). Fails as store_count does, or with ROTA_E_NOMEM.
 */
int list_open(const struct list_options *options, struct list **out,
              struct rota_error *err);
void list_close(struct list *l);

/* The next row that is to be done, valid until the next call, and its number in the
 * run file. Fails with ROTA_E_TIMEOUT where it has not come yet, ROTA_E_NOTFOUND after
 * the last that can be had (list_is_whole says whether that is all), as the run file
 * can't be read, or as `read` does. */
int list_next(struct list *l, struct row *out, uint64_t *number,
              struct rota_error *err);

/* Read ahead, for a little while. What fails is list_next's to say. */
void list_tick(struct list *l);

/* Whether all of the list is in the run file; false: not yet, or it can't be read. */
bool list_is_whole(const struct list *l);

/* Why no more of it can be read: what it was read from is not what it was. NULL: there
 * is no reason. */
const char *list_trouble(const struct list *l);

/* How many rows have not been given, or -1 where that is not known. */
int64_t list_left(const struct list *l);

ROTA_AUTO_DEFINE(list, struct list *, list_close);

#endif
