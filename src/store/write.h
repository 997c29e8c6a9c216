/* write.h - records into the tables of a run file */
#ifndef ROTA_STORE_WRITE_H
#define ROTA_STORE_WRITE_H

#include <sqlite3.h>

#include "store/pending.h"

struct writer;

/* `db` is borrowed. Returns SQLite's code; *out is the caller's: writer_free(), before
 * the database is closed. */
int writer_new(sqlite3 *db, struct writer **out);

void writer_free(struct writer *w);

/* Commit all that is pending as one transaction, or nothing of it. Returns SQLite's
 * code. */
int writer_commit(struct writer *w, const struct pending *p);

#endif
