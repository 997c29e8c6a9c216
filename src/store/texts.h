/* texts.h - a few texts of a run file, as words */
#ifndef ROTA_STORE_TEXTS_H
#define ROTA_STORE_TEXTS_H

#include <sqlite3.h>

/* The first column of what `sql` selects: *texts is one block, NULL at its end, to be
 * freed. Returns SQLite's code. */
int texts_read(sqlite3 *db, const char *sql, char ***texts, int *count);

#endif
