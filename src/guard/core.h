/* core.h - a rank's core dump, under a name of its own
 *
 * Where the system calls all of them "core" (as Debian does), a rank's would be written
 * over by the next one's. The parent calls it core.PID once it is there, and the
 * monitor has one rank at a time leave one.
 */
#ifndef ROTA_GUARD_CORE_H
#define ROTA_GUARD_CORE_H

#include <sys/types.h>

/* Have process `pid`, which may have been stopped, leave one, and end; a debugger shows
 * its thread `tid` first. *path is then
 * where it will be, to be given to core_name(), which frees it; NULL where the system
 * names them apart by itself. */
void core_ask(pid_t pid, pid_t tid, char **path);

/* The process has ended, and has left one. `path` may be NULL. */
void core_name(char *path, pid_t pid);

#endif
