/* report_guard.h - rota report: what rota guard --report FILE has written */
#ifndef ROTA_CLI_REPORT_GUARD_H
#define ROTA_CLI_REPORT_GUARD_H

#include <stdbool.h>

enum report_guard_form {
    REPORT_GUARD_TEXT,
    REPORT_GUARD_DETAILS,
    REPORT_GUARD_JSON,
    REPORT_GUARD_HTML,
    REPORT_GUARD_DOT,
};

/* Whether the file looks like one, rather than like a run file. */
bool report_guard_is(const char *path);

/* Write it to standard output. Returns the exit status (report.h). */
int report_guard(const char *path, enum report_guard_form form);

#endif
