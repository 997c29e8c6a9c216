/* split.h - where records of a stream end
 *
 * A record ends where `end` stands and `start` behind it: between the two. Either may
 * be empty; both: anywhere. They are strings, in which \n \r \t \0 \\ \' \" mean what
 * they do in C; or extended regular expressions, with the same.
 */
#ifndef ROTA_CLI_SPLIT_H
#define ROTA_CLI_SPLIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "rota.h"

struct split;

/* A separator: its first byte, where the record before it ends, and the byte behind it.
 */
struct split_place {
    size_t begin;
    size_t cut;
    size_t end;
};

/* NULL for either: it is empty; for both: records are lines. *out is the caller's:
 * split_free(). Fails with ROTA_E_ARG (no regular expression) or ROTA_E_NOMEM. */
int split_new(const char *start, const char *end, bool regex, struct split **out,
              struct rota_error *err);
void split_free(struct split *s);

/* Of regular expressions: behind data[size - 1] stands a 0 byte, though others may
 * stand before it. */

/* The first separator from byte `from` of `data` on that ends a record: with something
 * before it, where records end before a start. False: there is none. */
bool split_next(const struct split *s, const char *data, size_t size, size_t from,
                struct split_place *out);

/* The last one; `cut` is above 0. */
bool split_last(const struct split *s, const char *data, size_t size, size_t *cut);

/* Take the separators out of some whole records: returns how many bytes are left. */
size_t split_strip(const struct split *s, char *data, size_t size);

/* Whether it separates nothing. */
bool split_is_empty(const struct split *s);

/* Replace \n and so on in `text`, in place; *size is how long it is then. */
void split_unescape(char *text, size_t *size);

/* Replace what POSIX does not know in a regular expression, \n \r and \t, in place. */
void split_unescape_regex(char *pattern);

ROTA_AUTO_DEFINE(split, struct split *, split_free);

#endif
