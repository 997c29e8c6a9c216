/* error.h - wording errors, once, where they are decided */
#ifndef ROTA_BASE_ERROR_H
#define ROTA_BASE_ERROR_H

#include "rota.h"

/* Fill `err` (which may be NULL) and return `code`, so that a failure is one
 * line: return error_set(err, ROTA_E_IO, "cannot open '%s': %s", path, ...).
 * A text that does not fit is cut. */
int error_set(struct rota_error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A signal's name after "SIG", as "SEGV"; "?" where it has none. */
const char *error_signal(int number);

#endif
