/* source.h - where in its source a rank is
 *
 * From return addresses, with libdw and what /proc says of the process, which must
 * still be there: "ring.c:17" where the program has its lines (-g), else "solve+0x1f in
 * libfoo.so". Nothing of the process is touched.
 */
#ifndef ROTA_GUARD_SOURCE_H
#define ROTA_GUARD_SOURCE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"

struct source;

/* NULL where the process can't be read. */
struct source *source_open(pid_t pid);
void source_close(struct source *s);
ROTA_AUTO_DEFINE(source, struct source *, source_close);

/* Write where the call returns to `address` to `buf`. Whether anything is known. */
int source_find(struct source *s, uint64_t address, char *buf, size_t size);

/* Of a stack of return addresses, the innermost first: which one is where the program
 * called MPI, through whatever of MPI's own layers (Fortran's has one). `count` if
 * none. */
size_t source_caller(struct source *s, const uint64_t *stack, size_t count);

/* From the traceback that Python writes of a thread, most recent call first: its first
 * line outside of mpi4py, as "ring.py:17". Whether there is one. */
int source_python(const char *trace, char *buf, size_t size);

#endif
