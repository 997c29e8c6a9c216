/* retold.h - what report_json() has written, to be told again
 *
 *     struct retold *r;
 *     if (retold_read(file, "hang.json", &r, &err) == 0)
 *         report_text(stdout, retold_told(r), false);
 *
 * What the verdict was made of, and no report tells (counts of messages, members of
 * communicators), is not there again: a verdict can be told, and not made anew.
 */
#ifndef ROTA_GUARD_RETOLD_H
#define ROTA_GUARD_RETOLD_H

#include <stdio.h>

#include "base/cleanup.h"
#include "guard/told.h"
#include "rota.h"

struct retold;

/* Read `from` to its end; `name` is for error texts. On success *out is the caller's:
 * retold_free(). Fails with ROTA_E_FORMAT (it is no such report, or of a version that
 * is not known), ROTA_E_IO or ROTA_E_NOMEM. */
int retold_read(FILE *from, const char *name, struct retold **out,
                struct rota_error *err);
void retold_free(struct retold *r);
ROTA_AUTO_DEFINE(retold, struct retold *, retold_free);

/* Lives as long as `r`. */
const struct told *retold_told(const struct retold *r);

#endif
