/* retold.c - what rota report reads of rota guard: guard/retold.h
 *
 * What can be read can be told in every form, and what is written of it again is read
 * again, with nothing changed.
 */
#include "fuzz.h"

#include "../unit/looks.h"
#include "guard/report.h"
#include "guard/retold.h"

typedef int report_fn(FILE *to, const struct told *t);

static int text(FILE *to, const struct told *t)
{
    return report_text(to, t, false);
}

static int details(FILE *to, const struct told *t)
{
    return report_text(to, t, true);
}

/* The caller's. */
static char *tell(const struct told *t, report_fn *report)
{
    char *out = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&out, &size);
    must(to != NULL && report(to, t) == 0 && fclose(to) == 0);
    return out;
}

static struct retold *read_again(const char *json, size_t size)
{
    struct retold *r = NULL;
    struct rota_error err = {0};
    FILE *from = size > 0 ? fmemopen((void *)(uintptr_t)json, size, "r") : NULL;
    if (from == NULL)
        return NULL;
    int rc = retold_read(from, "name", &r, &err);
    fclose(from);
    must(rc == 0 || rc == ROTA_E_FORMAT);
    must(rc == 0 || strstr(err.text, "'name'") != NULL);
    return r;
}

void fuzz_one(const unsigned char *data, size_t size)
{
    static report_fn *const reports[] = {text, details, report_dot, report_html};
    struct retold *r = read_again((const char *)data, size);
    if (r == NULL)
        return;
    for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++)
        free(tell(retold_told(r), reports[i]));
    char *json = tell(retold_told(r), report_json);
    retold_free(r);
    r = read_again(json, strlen(json));
    must(r != NULL);
    char *again = tell(retold_told(r), report_json);
    must(strcmp(again, json) == 0);
    retold_free(r);
    free(again);
    free(json);
}

/* Ends the look. */
static void seed(const char *name, struct look *l, enum told_why why)
{
    struct verdict *v = looks_verdict(l);
    struct told t = {.why = why, .look = l, .verdict = v, .ran_ns = 1000000000};
    char *json = tell(&t, report_json);
    fuzz_seed(name, json, strlen(json));
    free(json);
    verdict_free(v);
    look_free(l);
}

void fuzz_seeds(void)
{
    struct look *l = looks_new(3);
    looks_block(l, 0, "MPI_Recv", "fail.c:23");
    looks_recv(l, 0, 2, 7);
    looks_sent(l, 1, 0, 8, 1);
    looks_exit(l, 2, 1);
    seed("left", l, TOLD_HANG);
    l = looks_new(2);
    for (int i = 0; i < 2; i++) {
        looks_block(l, i, "MPI_Bcast", "a.c:10");
        looks_collective(l, i, LOOK_BCAST, i);
    }
    seed("roots", l, TOLD_HANG);
    l = looks_new(2);
    for (int i = 0; i < 2; i++) {
        struct look_rank *r = looks_block(l, i, "MPI_Send", "swap.c:8");
        r->since_ns = r->progress_ns = 0;
        looks_ssend(l, i, 1 - i, 0)->kind = LOOK_SEND;
    }
    seed("likely", l, TOLD_TIMEOUT);
    l = looks_new(2);
    looks_exit(l, 1, 3);
    seed("death", l, TOLD_DEATH);
}
