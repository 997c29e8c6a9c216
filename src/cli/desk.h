/* desk.h - what rank 0 gets from the front directly, past the launcher
 *
 * A launcher forwards what a rank writes, but not that it couldn't be written; and
 * its exit status may be its own. So `rota run -n N` keeps a desk: rank 0 comes to
 * it, is lent the front's standard output and error, and says in the end how the
 * run went. Where rank 0 can't come (it is on another machine), the launcher's ways
 * are all there is.
 *
 * The desk is a socket in Linux's abstract namespace, named by chance, which serves
 * processes of the same user, and the first one alone. Each side sends one byte:
 * the front 'r' with the two descriptors, then rank 0 the exit status.
 */
#ifndef ROTA_CLI_DESK_H
#define ROTA_CLI_DESK_H

#include <stdbool.h>

#include "rota.h"

enum {
    DESK_NAME_SIZE = 40,
};

struct desk;

/* The front opens its desk, served by a thread of its own, and writes its name to
 * `name`. *out is the caller's: desk_close(). Fails with ROTA_E_IO, ROTA_E_NOMEM. */
int desk_open(char name[DESK_NAME_SIZE], struct desk **out, struct rota_error *err);

/* The run is over. Returns whether rank 0 came; *status is then what it said, or
 * -1 where it said nothing. */
bool desk_close(struct desk *d, int *status);

/* Rank 0 comes to the desk: its standard output and error are the front's from
 * here on. Returns a connection for desk_leave, or -1 where there is no such desk. */
int desk_come(const char *name);

/* Say how the run went, and go. */
void desk_leave(int connection, int status);

#endif
