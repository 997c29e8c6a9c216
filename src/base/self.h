/* self.h - this very program, as others can start it
 *
 * While it runs its file may be replaced, or removed: by an upgrade. What began as one
 * program is then to go on as that one, and not half as its successor.
 */
#ifndef ROTA_BASE_SELF_H
#define ROTA_BASE_SELF_H

#include <stdbool.h>

/* A path by which this program is started: its own, as long as that is still this
 * program's. If not, and `here`, one that processes on this host can use as long as
 * this one lives; else its own all the same, as that is all that other hosts know. *out
 * is free()'s. Fails with ROTA_E_IO (errno says why) or ROTA_E_NOMEM. */
int self_path(bool here, char **out);

#endif
