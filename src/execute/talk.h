/* talk.h - what is said to a persistent program, and by it (version 1)
 *
 * Lines of JSON (RFC 8259) in UTF-8, each ended by a line feed. In, a task a line:
 *
 *     {"task":7,"attempt":1,"args":["a","b"]}
 *
 * The members come in this order, and nothing stands between tokens. In strings only
 * `"` and `\` (as \" and \\) and the bytes below 0x20 (as \u00XX) are escaped. Where an
 * argument is not UTF-8, which a JSON string must be, all of the task's are in base64
 * (RFC 4648, with padding) instead:
 *
 *     {"task":7,"attempt":1,"args_base64":["/w==","Yg=="]}
 *
 * A task has one of the two. Out, an answer a line:
 *
 *     {"task":7,"result":49}       any JSON value; null: there is nothing to say
 *     {"task":7,"error":"why"}     the task has failed: any JSON value but null
 *
 * It has one of the two; where it has both, one is null. Other members are of no
 * account. docs/worker-programs.md has the rules of the exchange; programs.c keeps
 * them.
 */
#ifndef ROTA_EXECUTE_TALK_H
#define ROTA_EXECUTE_TALK_H

#include <stdbool.h>
#include <stdint.h>

#include "execute/task.h"

#define TALK_VERSION "1"

enum {
    TALK_EXCERPT = 300, /* bytes that a line takes in a message, at most */
};

struct talk_answer {
    uint64_t task;
    bool failed;
};

/* Append the line of a task, with the words that commands_words gives, to `out`. Fails
 * with ROTA_E_NOMEM, or with ROTA_E_FORMAT where those are none: nothing was
 * appended. */
int talk_put_task(struct task_bytes *out, uint64_t task, uint32_t attempt,
                  const void *words, size_t size);

/* Read an answer of `size` bytes, without its line end. `text` then holds, in place of
 * what it held, what is to be shown of it, with a line end unless that is nothing: a
 * string's characters, any other value as it was written. Fails with ROTA_E_FORMAT, and
 * why in *err, or with ROTA_E_NOMEM. */
int talk_read_answer(const char *line, size_t size, struct talk_answer *out,
                     struct task_bytes *text, struct rota_error *err);

/* The line, or its begin, as a person can read it: what is not printable ASCII as \xNN.
 * Returns `buf`. */
const char *talk_excerpt(const char *line, size_t size, char buf[TALK_EXCERPT]);

#endif
