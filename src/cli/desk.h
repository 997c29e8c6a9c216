/* desk.h - what rank 0 gets from the front directly, past the launcher
 *
 * A launcher forwards what a rank writes, but not that it couldn't be written; what
 * it forwards to a rank's standard input may get lost where that is much (MPICH's
 * ends with SIGPIPE); and its exit status may be its own. So `rota run -n N` keeps
 * a desk: rank 0 comes to it, is lent the front's standard descriptors, and says in
 * the end how the run went. Where rank 0 can't come, as it is on another machine,
 * the launcher's ways are all there is: so where that may be, and nobody has come for a
 * while, standard input goes to the launcher.
 *
 * The desk is a socket in Linux's abstract namespace, named by chance, which serves
 * processes of the same user, and the first one alone. What is sent, byte by byte: by
 * the front 'r' with the descriptors (output, error, and perhaps input), then the
 * number of each signal that asks it to stop; by rank 0, in the end, the exit status.
 */
#ifndef ROTA_CLI_DESK_H
#define ROTA_CLI_DESK_H

#include <stdbool.h>

#include "rota.h"

enum {
    DESK_NAME_SIZE = 40,
};

struct desk;

struct desk_lent {
    int output;      /* not taken */
    int input;       /* taken; -1: none is lent */
    int launcher;    /* where input goes for who does not come; taken; -1: nowhere */
    int patience_ms; /* for who may come yet, before it does */
};

/* The front opens its desk, served by a thread of its own, which lends these; and
 * writes its name to `name`. *out is the caller's: desk_close(). Fails with ROTA_E_IO,
 * ROTA_E_NOMEM. */
int desk_open(const struct desk_lent *lent, char name[DESK_NAME_SIZE],
              struct desk **out, struct rota_error *err);

/* The front got `signal`: pass it on. Whether rank 0 is there to hear it. */
bool desk_pass_on(struct desk *d, int signal);

/* The run is over. Returns whether rank 0 came; *status is then what it said, or
 * -1 where it said nothing. */
bool desk_close(struct desk *d, int *status);

/* Rank 0 comes to the desk: its standard descriptors are the front's from here on
 * (its input only where that is lent). Returns a connection for desk_leave, or -1 where
 * there is no such desk. */
int desk_come(const char *name);

/* The next signal that the front passed on, or 0: none has come. */
int desk_listen(int connection);

/* Say how the run went, and go. */
void desk_leave(int connection, int status);

#endif
