/* words.h - what is said of ranks, calls and ends, in all forms of the report */
#ifndef ROTA_GUARD_WORDS_H
#define ROTA_GUARD_WORDS_H

#include <stdio.h>

#include "guard/look.h"
#include "guard/told.h"
#include "guard/verdict.h"

/* "rank 3", "ranks 0 and 2", "ranks 1-63"; `ranks` ascending, at least one. Of many
 * that are not in a row only the first are named. */
void words_ranks(FILE *to, const int *ranks, size_t count);

/* "MPI_COMM_WORLD", or another communicator's name or number. */
void words_comm(FILE *to, const struct look *l, uint64_t id);

/* "ring.c:17", or the bare address; returns false, and writes nothing, if neither is
 * known. */
bool words_site(FILE *to, const struct look_site *site);

static inline bool words_has_site(const struct look_site *site)
{
    return site->text != NULL || site->address != 0;
}

/* Is the operation the very call that the rank is in? */
bool words_is_the_call(const struct look_rank *r, const struct look_op *o);

/* Where an operation was begun: " (MPI_Irecv at ring.c:9)", or " (at ring.c:9)" if it
 * has been `named`. */
void words_origin(FILE *to, const struct look_op *o, bool named);

/* "40 ms", "0.4 s", "12 s", "3 min". */
void words_duration(FILE *to, int64_t ns);

/* What the operation is, as it stands behind "waits for": "a message from rank 2 with
 * tag 7", "rank 1 to receive its message with tag 7", "MPI_Barrier on MPI_COMM_WORLD".
 */
void words_operation(FILE *to, const struct look *l, const struct look_op *o);

/* What has become of a rank that does nothing any more for others, in two parts: "has "
 * and "exited with status 1", "was " and "killed by signal 9 (SIGKILL)", "is at its
 * end, " and "in MPI_Finalize". `many`: "have ", "were ", "are at their end, ". */
const char *words_end_verb(const struct look_rank *r, bool many);
void words_end(FILE *to, const struct look_rank *r);

/* Names for programs to read. */
const char *words_state(enum look_state state);
const char *words_kind(enum look_kind kind);
const char *words_what(enum verdict_what what);
const char *words_why(enum told_why why);
/* The doubt of one bit, for programs and for people. */
const char *words_doubt(unsigned bit);
const char *words_doubt_said(unsigned bit);

#endif
