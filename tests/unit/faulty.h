/* faulty.h - a file system below SQLite whose n-th write, or sync, fails
 *
 * The default one, with a count on what changes files: xWrite, xSync, xTruncate and
 * xDelete. It must be there before a database is opened.
 */
#ifndef ROTA_TESTS_FAULTY_H
#define ROTA_TESTS_FAULTY_H

#include <stdbool.h>

/* Make it the default. Once. */
void faulty_install(void);

/* The n-th call from now on (1: the next) fails with SQLite's code `rc`, and so do
 * all after it where `stays`. 0: none. */
void faulty_fail(int n, int rc, bool stays);

/* Whether that has happened. */
bool faulty_failed(void);

#endif
