/* retold.c - the guard's report as a file, of anybody's making: guard/retold.h
 *
 * What is read can be told in every form; and told as JSON it can be read again, and is
 * then told the same.
 */
#include "fuzz.h"

#include "guard/report.h"
#include "guard/retold.h"

typedef int report_fn(FILE *to, const struct told *t);

static char *tell(const struct told *t, report_fn *report, size_t *size)
{
    char *said = NULL;
    FILE *to = open_memstream(&said, size);
    must(to != NULL);
    must(report(to, t) == 0);
    must(fclose(to) == 0 && said != NULL);
    return said;
}

static int text(FILE *to, const struct told *t)
{
    return report_text(to, t, false);
}

static int details(FILE *to, const struct told *t)
{
    return report_text(to, t, true);
}

static struct retold *read_report(const char *said, size_t size)
{
    struct retold *r = NULL;
    struct rota_error err = {0};
    FILE *from = fmemopen((void *)(uintptr_t)said, size, "r");
    must(from != NULL);
    int rc = retold_read(from, "file", &r, &err);
    must(rc == 0 || (rc == ROTA_E_FORMAT && err.text[0] != '\0'));
    fclose(from);
    return r;
}

void fuzz_one(const unsigned char *data, size_t size)
{
    static report_fn *const forms[] = {text, details, report_dot, report_html};
    size_t said_size;
    struct fuzz_bytes b = {data, size};
    char *copy = fuzz_text(&b);
    struct retold *r = size > 0 ? read_report(copy, size) : NULL;
    free(copy);
    if (r == NULL)
        return;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        free(tell(retold_told(r), forms[i], &said_size));
    char *json = tell(retold_told(r), report_json, &said_size);
    struct retold *again = read_report(json, said_size);
    must(again != NULL);
    char *same = tell(retold_told(again), report_json, &said_size);
    must(strcmp(json, same) == 0);
    free(json);
    free(same);
    retold_free(again);
    retold_free(r);
}

/* A look of two ranks that wait for each other. */
static void seed(const char *name, enum told_why why)
{
    const struct verdict_options o = {.quiet_ns = 1000};
    struct look *l;
    struct verdict *v;
    size_t size;
    must(look_new(2, &l) == 0);
    l->now_ns = 5000000000;
    for (int rank = 0; rank < 2; rank++) {
        struct look_rank *r = &l->ranks[rank];
        struct look_op *op = look_add_op(r);
        must(op != NULL);
        *op = (struct look_op){.kind = LOOK_RECV,
                               .awaited = true,
                               .comm = 1,
                               .peer = 1 - rank,
                               .tag = 7,
                               .root = LOOK_NONE,
                               .size_bytes = -1,
                               .call = "MPI_Recv",
                               .site = {.text = "ring.c:17"}};
        r->state = LOOK_BLOCKED;
        r->steady = r->initialized = true;
        r->call = "MPI_Recv";
        r->host = "node1";
        r->pid = 100 + rank;
    }
    must(verdict_of(l, &o, &v) == 0);
    const struct told t = {.why = why, .look = l, .verdict = v, .ran_ns = 9000000000};
    char *json = tell(&t, report_json, &size);
    fuzz_seed(name, json, size);
    free(json);
    verdict_free(v);
    look_free(l);
}

void fuzz_seeds(void)
{
    seed("hang", TOLD_HANG);
    seed("timeout", TOLD_TIMEOUT);
    seed("death", TOLD_DEATH);
    fuzz_seed("empty", "{}", 2);
}
