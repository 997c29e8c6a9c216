/* faulty.h - a file system below SQLite in which the points store.write and store.sync
 * stand
 *
 * store.write counts what changes files: xWrite, xTruncate and xDelete; store.sync
 * counts xSync. (store.commit stands in write.c: a whole group fails there, without
 * SQLite.)
 */
#ifndef ROTA_STORE_FAULTY_H
#define ROTA_STORE_FAULTY_H

#include <stdbool.h>

/* Where a fault is armed (fault.h): put it over the default one, unless it is there
 * already. It must be there before a database is opened. */
void faulty_install(void);

/* For tests: what is written outlives its process without a sync, which takes time. So
 * none is done; they are counted all the same. */
void faulty_spare_syncs(void);

#endif
