/* io.h - what a system call does in parts, as a whole */
#ifndef ROTA_BASE_IO_H
#define ROTA_BASE_IO_H

#include <stddef.h>

/* Write all of it to a descriptor that waits. Returns 0 or an errno; some of it may be
 * written then. */
int io_write_all(int fd, const void *data, size_t size);

#endif
