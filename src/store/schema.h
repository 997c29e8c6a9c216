/* schema.h - what a run file holds
 *
 * A run file is an SQLite 3 database, open to `sqlite3` (rota-runfile(5) has
 * examples). Its header says what it is:
 *
 *     application_id   0x526f7461 ("Rota")
 *     user_version     1, the version of all that follows
 *
 * A newer version may mean anything, and is refused.
 *
 * Times (`*_ns` below, `took_ns` aside, which is a length of time) are nanoseconds
 * since 1970, UTC. Tasks are numbered from 1 in the order of the list. Texts hold the
 * bytes that they were given, which need not be UTF-8.
 *
 *     run        one row
 *       command     TEXT     what is run, for people
 *       listed      INTEGER  1: every task of the list is in `tasks`
 *       created_ns  INTEGER
 *       folder      TEXT     where the run was begun
 *     words      the command line, behind `rota run`
 *       place       INTEGER  key: 1, 2, ...
 *       word        TEXT
 *     names      of the arguments, where the list has any (--header)
 *       place       INTEGER  key: 1, 2, ...
 *       name        TEXT
 *     sessions   one for the run's beginning, and one for each time it was resumed
 *       session     INTEGER  key: 1, 2, ...
 *       version     TEXT     Rota's
 *       host        TEXT
 *       pid         INTEGER  the process that writes
 *       started_ns  INTEGER
 *       ended_ns    INTEGER  NULL: it goes on, or has died (the file is not locked)
 *       status      INTEGER  the exit status of `rota`
 *       how         TEXT     how it ended, for people
 *     tasks      the list: what is to be done; rows never change
 *       task        INTEGER  key: 1, 2, ... without a gap
 *       argument    TEXT     the first argument
 *       further     BLOB     the others, each ended by a 0 byte; NULL: none
 *     results    the ends of tasks, once each; a task without one is left to do
 *       task        INTEGER  key
 *       outcome     INTEGER  see `outcomes`
 *       code        INTEGER  exit status, signal, or how many workers were lost
 *       reason      TEXT     more for people; or NULL
 *       attempt     INTEGER  the number of the attempt that decided
 *       ended_ns    INTEGER
 *     attempts   tries that are known to have ended
 *       task        INTEGER  key, with
 *       attempt     INTEGER  1, 2, ...; there may be gaps
 *       session     INTEGER  see `workers`
 *       rank        INTEGER  so too; -1: none
 *       started_ns  INTEGER
 *       took_ns     INTEGER
 *       outcome     INTEGER  see `outcomes`
 *       code        INTEGER
 *     outputs    what the attempt wrote that decided
 *       task        INTEGER  key, with
 *       stream      INTEGER  1: standard output, 2: standard error
 *       part        INTEGER  1, 2, ...: each but the last of 1 MiB
 *       bytes       BLOB     never empty
 *     workers
 *       session     INTEGER  key, with
 *       rank        INTEGER
 *       host        TEXT
 *       slots       INTEGER  how many tasks it runs at once
 *       came_ns     INTEGER
 *       went_ns     INTEGER  NULL: it is there, or was to the end
 *       how         TEXT     how it went, for people; or NULL
 *     events     whatever else happened
 *       event       INTEGER  key: 1, 2, ...
 *       at_ns       INTEGER
 *       what        TEXT
 *     outcomes   0 done, 1 failed, 2 crashed, 3 quit, 4 overtime, 5 poison,
 *                6 cancelled
 *       outcome     INTEGER  key
 *       name        TEXT
 *
 * and a view, `report`: a row for each task, with all of this in words.
 *
 * While a run goes on its file has a rollback journal beside it (NAME-journal), which
 * belongs to it: after a crash whoever opens the file next finishes or undoes with it
 * what was being written. No write-ahead log: it needs memory that all who read share
 * with who writes, which those on other hosts have not, and `rota status` on a login
 * node reads what a compute node writes.
 */
#ifndef ROTA_STORE_SCHEMA_H
#define ROTA_STORE_SCHEMA_H

#include <stdbool.h>

#include <sqlite3.h>

#include "base/cleanup.h"
#include "rota.h"

enum {
    SCHEMA_APPLICATION = 0x526f7461,
    SCHEMA_VERSION = 1,
    SCHEMA_PART_BYTES = 1 << 20, /* of outputs.bytes */
};

/* Open the file at `path`, which is there, for whatever the system lets us do with it.
 * It may be empty, and is not looked at. *out is the caller's: sqlite3_close(). Fails
 * with ROTA_E_IO or ROTA_E_NOMEM. */
int schema_open(const char *path, sqlite3 **out, struct rota_error *err);

/* Fill an empty database, within the caller's transaction. Returns SQLite's code. */
int schema_create(sqlite3 *db);

/* Nothing is in it: whoever made it has died before it was filled. */
bool schema_is_empty(sqlite3 *db);

/* Whether this is a run file, of this version. Fails with ROTA_E_FORMAT, or as
 * schema_fail says. */
int schema_check(sqlite3 *db, const char *path, struct rota_error *err);

/* Word SQLite's failure `rc` of doing something ("open", "write to") with a run file.
 * Returns ROTA_E_IO; ROTA_E_NOMEM; ROTA_E_FORMAT (no run file, or damaged); or
 * ROTA_E_TIMEOUT (another program holds it). */
int schema_fail(sqlite3 *db, int rc, const char *doing, const char *path,
                struct rota_error *err);

/* So too for a failure of the system's. Returns ROTA_E_IO. */
int schema_fail_errno(int error, const char *doing, const char *path,
                      struct rota_error *err);

/* An outcome's name, as in `outcomes`. Static. */
const char *schema_outcome(enum rota_outcome outcome);

ROTA_AUTO_DEFINE(sqlite, sqlite3 *, sqlite3_close);
ROTA_AUTO_DEFINE(statement, sqlite3_stmt *, sqlite3_finalize);

#endif
