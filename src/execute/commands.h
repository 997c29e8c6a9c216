/* commands.h - commands as tasks: an executor whose slots run processes
 *
 * Each result is reported by itself, as soon as its command has ended. Nothing ends a
 * command but itself, its time limit, want of memory, executor_close() and `end`: not
 * that it is dropped.
 *
 * While options.gate says that there is no room for one more, none begins, and the
 * executor is shut; where memory is really short the youngest that runs is ended.
 *
 * A task's payload is a command. Its tag is the number that the command is told
 * (PARALLEL_SEQ); 0: the task's own, from 1. Integers are little-endian:
 *
 *    0   4  size of its words, each ended by a 0 byte
 *    4   4  size of its variables, NAME=VALUE, so too
 *    8   -  words, variables, and then what it reads
 *
 * A value, of a command that succeeded or not, is how it ended and what it wrote:
 *
 *    0   4  how: enum execute_how
 *    4   4  code, signed
 *    8   8  size of what it wrote to standard output
 *   16   -  that, and then what it wrote to standard error
 *
 * What a command writes beyond COMMANDS_PART_BYTES or so is told while it runs: a part
 * (executor.h) is a value that says EXECUTE_RUNNING, and what it holds comes before
 * all that follows. So a command may write more than there is memory; and as long as
 * a part was not taken nothing more is read, of any command here.
 *
 * With options.reads_on what a task has for its command to read is but the beginning:
 * a part that says EXECUTE_HUNGRY, and holds nothing, tells that the command has taken
 * all that it was given; `feed` gives it more.
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

enum {
    COMMANDS_PART_BYTES = 1 << 20, /* with few slots; with many, less each */
};

/* A command. Borrowed; of commands_unpack, one block with `argv` at its begin, but for
 * the input, which is the payload's. */
struct commands_spec {
    uint64_t number;   /* that it is told, from 1: not in the payload */
    char **argv;       /* ended by NULL */
    char **env;        /* variables, so too; NULL: none */
    const void *input; /* NULL: none */
    size_t input_bytes;
};

/* An option's part_bytes of 0 stands for about COMMANDS_PART_BYTES. *out is the
 * caller's: executor_close(). Fails as execute_open does. */
int executor_commands_open(const struct execute_options *options, struct executor **out,
                           struct rota_error *err);

/* Make a payload of a command, in place of what `out` holds. ROTA_E_NOMEM. */
int commands_pack(const struct commands_spec *c, struct task_bytes *out);

/* Make a command of a payload: free(out->argv). ROTA_E_FORMAT or ROTA_E_NOMEM. */
int commands_unpack(const void *data, size_t size, struct commands_spec *out);

/* The words in a payload, each ended by a 0 byte: borrowed. ROTA_E_FORMAT. */
int commands_words(const void *data, size_t size, const char **words,
                   size_t *words_bytes);

/* Append the record (parcel.h) of a result. ROTA_E_NOMEM: nothing was appended. */
int commands_append(struct task_bytes *to, const struct execute_result *r);

/* Read a value; what was written borrows from it, and is not to be freed. Fails with
 * ROTA_E_FORMAT, also where it is a part's. */
int commands_result(const void *data, size_t size, struct execute_result *out);

/* So too, of a part's. */
int commands_part(const void *data, size_t size, struct execute_result *out);

#endif
