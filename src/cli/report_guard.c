/* report_guard.c - rota report: what rota guard --report FILE has written */
#include "cli/report_guard.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cli/report.h"
#include "guard/report.h"
#include "guard/retold.h"

bool report_guard_is(const char *path)
{
    FILE *from = fopen(path, "r");
    int first = from != NULL ? getc(from) : EOF;
    if (from != NULL)
        fclose(from);
    return first == '{';
}

static int read_file(const char *path, struct retold **out, struct rota_error *err)
{
    FILE *from = fopen(path, "r");
    if (from == NULL)
        return error_set(err, ROTA_E_IO, "cannot open '%s': %s", path, strerror(errno));
    int rc = retold_read(from, path, out, err);
    fclose(from);
    return rc;
}

static int print(const struct told *t, enum report_guard_form form)
{
    switch (form) {
    case REPORT_GUARD_JSON:
        return report_json(stdout, t);
    case REPORT_GUARD_HTML:
        return report_html(stdout, t);
    case REPORT_GUARD_DOT:
        return report_dot(stdout, t);
    default:
        return report_text(stdout, t, form == REPORT_GUARD_DETAILS);
    }
}

int report_guard(const char *path, enum report_guard_form form)
{
    rota_auto(retold) struct retold *r = NULL;
    struct rota_error err;
    if (read_file(path, &r, &err) != 0) {
        fprintf(stderr, "rota: %s\n", err.text);
        return STATUS_USAGE;
    }
    int rc = print(retold_told(r), form);
    if (rc == 0)
        return STATUS_SUCCESS;
    fprintf(stderr, "rota: cannot write to standard output: %s\n",
            rc == ROTA_E_IO ? strerror(errno) : rota_strerror(rc));
    return STATUS_INCOMPLETE;
}
