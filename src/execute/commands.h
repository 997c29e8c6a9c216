/* commands.h - commands as tasks: an executor whose slots run processes
 *
 * Each result is reported by itself, as soon as its command has ended. Nothing ends a
 * command but itself, its time limit and executor_close(): not that it is dropped.
 *
 * A task's payload is the words of a command, each ended by a 0 byte. Its tag is the
 * number that the command is told; 0: the task's own, from 1. Its value,
 * whether it succeeded or not, is how the command ended and what it wrote; integers
 * are little-endian:
 *
 *    0   4  how: enum execute_how
 *    4   4  code, signed
 *    8   8  size of what it wrote to standard output
 *   16   -  that, and then what it wrote to standard error
 *
 * Of the outcomes: ROTA_DONE is exit status 0, ROTA_CRASHED a signal (its code),
 * ROTA_OVERTIME that its time was over, and ROTA_FAILED all else (its code is the exit
 * status, or an errno).
 */
#ifndef ROTA_EXECUTE_COMMANDS_H
#define ROTA_EXECUTE_COMMANDS_H

#include "execute/execute.h"
#include "execute/executor.h"
#include "execute/task.h"

/* *out is the caller's: executor_close(). Fails as execute_open does. */
int executor_commands_open(const struct execute_options *options, struct executor **out,
                           struct rota_error *err);

/* Make a payload of `argv`, in place of what `out` holds. ROTA_E_NOMEM. */
int commands_pack(char *const *argv, struct task_bytes *out);

/* Make words of a payload: *argv is one block, free(). ROTA_E_FORMAT or ROTA_E_NOMEM.
 */
int commands_unpack(const void *data, size_t size, char ***argv);

/* Read a value; what was written borrows from it, and is not to be freed. Fails with
 * ROTA_E_FORMAT. */
int commands_result(const void *data, size_t size, struct execute_result *out);

#endif
