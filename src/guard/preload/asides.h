/* asides.h - functions of the program's own that MPI calls
 *
 * MPI calls them in the midst of a call of the program's (MPI_Comm_dup copies an
 * attribute, say), and they may do whatever the program may: send, receive, sleep; an
 * error handler may not even come back. So while one of them runs the rank runs, and
 * what it calls is written down as any other call.
 */
#ifndef ROTA_GUARD_PRELOAD_ASIDES_H
#define ROTA_GUARD_PRELOAD_ASIDES_H

#include <stdbool.h>

/* Will MPI_Finalize call such functions first (those of MPI_COMM_SELF's attributes)?
 * Then the rank is at its end only after the last of them, which is one of asides.c's
 * and says so. */
bool asides_at_end(void);

#endif
