/* lock.h - one run at a time writes to a run file
 *
 * The lock is on one byte of the file itself, just behind those that SQLite locks
 * (0x40000000 to 0x400001ff; where a file is that large, SQLite leaves them out). So
 * there is no second file to be lost or left behind, it holds wherever SQLite's own
 * locks hold, and readers are not in its way. It belongs to the open descriptor (an
 * OFD lock), and ends with it, however its process ends.
 *
 * A process that closes any descriptor of a file loses SQLite's locks on it. So a
 * descriptor for this lock is closed after SQLite's, or before there are any, and no
 * process has the same run file open twice.
 */
#ifndef ROTA_STORE_LOCK_H
#define ROTA_STORE_LOCK_H

#include <stdbool.h>

/* Returns 0; ROTA_E_STATE where another holds it; or ROTA_E_IO (errno says why). `fd`
 * must be open for writing. */
int lock_take(int fd);

/* *held: whether another holds it. Returns 0 or ROTA_E_IO. */
int lock_ask(int fd, bool *held);

#endif
