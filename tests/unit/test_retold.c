/* A report that was written for programs, read and told again: word for word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "guard/report.h"
#include "guard/retold.h"
#include "looks.h"

typedef int (*report_fn)(FILE *to, const struct told *t);

static int text(FILE *to, const struct told *t)
{
    return report_text(to, t, false);
}

static int details(FILE *to, const struct told *t)
{
    return report_text(to, t, true);
}

/* The caller's. */
static char *said(const struct told *t, report_fn report)
{
    char *out = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&out, &size);
    assert_non_null(to);
    assert_int_equal(report(to, t), 0);
    fclose(to);
    return out;
}

static int read_text(const char *json, size_t size, struct retold **out,
                     struct rota_error *err)
{
    FILE *from = fmemopen((void *)(uintptr_t)json, size, "r");
    assert_non_null(from);
    int rc = retold_read(from, "a.json", out, err);
    fclose(from);
    return rc;
}

static void check_told_again(const struct told *t)
{
    static const report_fn reports[] = {text, details, report_json, report_dot,
                                        report_html};
    char *json = said(t, report_json);
    struct retold *r;
    struct rota_error err;
    int rc = read_text(json, strlen(json), &r, &err);
    if (rc != 0)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++) {
        char *before = said(t, reports[i]);
        char *after = said(retold_told(r), reports[i]);
        assert_string_equal(after, before);
        free(before);
        free(after);
    }
    retold_free(r);
    free(json);
}

static void check_look(struct look *l, enum verdict_what what)
{
    struct verdict *v = looks_verdict(l);
    assert_int_equal(v->what, what);
    struct told t = {.why = TOLD_HANG, .look = l, .verdict = v, .ran_ns = NS_PER_SEC};
    check_told_again(&t);
    t.why = TOLD_TIMEOUT;
    check_told_again(&t);
    t.why = TOLD_DEATH;
    t.dead = l->size - 1;
    check_told_again(&t);
    verdict_free(v);
    look_free(l);
}

static struct look *left(void)
{
    struct look *l = looks_new(4);
    looks_block(l, 0, "MPI_Recv", "fail.c:23");
    looks_recv(l, 0, 2, 7)->site.text = "fail.c:20";
    looks_exit(l, 2, 1);
    l->ranks[2].finalized = true;
    for (int i = 1; i < 4; i += 2)
        looks_block(l, i, "MPI_Finalize", NULL)->state = LOOK_FINALIZING;
    looks_sent(l, 3, 0, 8, 1);
    l->ranks[0].host = "node1";
    l->ranks[0].pid = 4711;
    return l;
}

static void who_waits_and_who_has_left(void **state)
{
    (void)state;
    check_look(left(), VERDICT_STUCK);
}

static void any_rank_and_any_tag(void **state)
{
    (void)state;
    struct look *l = looks_new(3);
    for (int i = 0; i < 3; i++) {
        looks_block(l, i, "MPI_Waitany", NULL)->any = true;
        looks_recv(l, i, LOOK_ANY, LOOK_ANY)->size_bytes = 8;
        looks_ssend(l, i, (i + 1) % 3, 4);
    }
    l->ranks[2].state = LOOK_GONE;
    l->ranks[2].how = LOOK_KILLED;
    l->ranks[2].how_code = 9;
    check_look(l, VERDICT_GOING_ON);
}

static void a_circle_of_collectives_and_messages(void **state)
{
    (void)state;
    struct look *l = looks_new(64);
    looks_block(l, 0, "MPI_Recv", "sum.c:9");
    looks_recv(l, 0, 1, 3);
    for (int i = 1; i < 64; i++) {
        looks_block(l, i, "MPI_Barrier", "sum.c:12");
        looks_collective(l, i, LOOK_BARRIER, LOOK_NONE);
    }
    check_look(l, VERDICT_STUCK);
}

static struct look *mismatched(void)
{
    struct look *l = looks_new(3);
    for (int i = 0; i < 2; i++) {
        looks_block(l, i, "MPI_Bcast", "a.c:10");
        looks_collective(l, i, LOOK_BCAST, i);
    }
    return l;
}

static void calls_that_are_not_the_same(void **state)
{
    (void)state;
    check_look(mismatched(), VERDICT_MISMATCH);
    struct look *l = mismatched();
    struct look_op o = l->ranks[1].ops[0];
    l->ranks[1].op_count = 0;
    l->ranks[1].state = LOOK_RUNNING;
    *look_add_past(&l->ranks[1]) = (struct look_past){.comm = o.comm,
                                                      .index = o.index,
                                                      .collective = LOOK_REDUCE,
                                                      .root = 0,
                                                      .call = "MPI_Reduce",
                                                      .site.text = "b.c:1"};
    check_look(l, VERDICT_MISMATCH);
}

static void what_is_likely(void **state)
{
    (void)state;
    struct look *l = looks_new(2);
    for (int i = 0; i < 2; i++) {
        struct look_rank *r = looks_block(l, i, "MPI_Send", "swap.c:8");
        r->since_ns = r->progress_ns = 0;
        looks_ssend(l, i, 1 - i, 0)->kind = LOOK_SEND;
    }
    check_look(l, VERDICT_QUIET);
}

static void stacks(void **state)
{
    (void)state;
    struct look *l = left();
    struct verdict *v = looks_verdict(l);
    const char *all[4] = {"    a.c:1\n    b.c:2\n", NULL, NULL, "    c.c:3\n"};
    struct told t = {.why = TOLD_HANG, .look = l, .verdict = v, .stacks = all};
    check_told_again(&t);
    verdict_free(v);
    look_free(l);
}

/* --- what is none ----------------------------------------------------------------- */

static void nonsense_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        const char *says;
    } cases[] = {
        {"{", "cannot read the report 'a.json': line 1"},
        {"[]", "is no report of rota guard"},
        {"{\"format\":\"rota-farm\"}", "is no report of rota guard"},
        {"{\"format\":\"rota-guard\",\"version\":2}", "of another version"},
        {"{\"format\":\"rota-guard\",\"version\":1}", "its \"ranks\" is missing"},
        {"{\"format\":\"rota-guard\",\"version\":1,\"ranks\":[]}", "its \"ranks\" is"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct retold *r = NULL;
        struct rota_error err;
        assert_int_equal(read_text(cases[i].json, strlen(cases[i].json), &r, &err),
                         ROTA_E_FORMAT);
        assert_null(r);
        if (strstr(err.text, cases[i].says) == NULL)
            fail_msg("'%s' instead of '%s'", err.text, cases[i].says);
    }
}

/* Read it, and tell all that it may still be. */
static void try(const char *json, size_t size)
{
    struct retold *r;
    struct rota_error err;
    if (read_text(json, size, &r, &err) != 0) {
        assert_true(strlen(err.text) > 0);
        return;
    }
    static const report_fn reports[] = {details, text, report_html, report_dot,
                                        report_json};
    for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++)
        free(said(retold_told(r), reports[i]));
    retold_free(r);
}

/* Cut anywhere, and with any of its numbers too large or too small, it is a report or
 * an error. */
static void what_is_damaged_does_no_harm(void **state)
{
    (void)state;
    struct look *looks[] = {left(), mismatched()};
    for (int k = 0; k < 2; k++) {
        struct verdict *v = looks_verdict(looks[k]);
        struct told t = {.why = TOLD_DEATH, .look = looks[k], .verdict = v, .dead = 1};
        char *json = said(&t, report_json);
        size_t size = strlen(json);
        for (size_t i = 1; i < size; i++) {
            try(json, i);
            if (json[i - 1] != ':' && json[i - 1] != '[')
                continue;
            char kept = json[i];
            json[i] = '9';
            try(json, size);
            json[i] = '-';
            try(json, size);
            json[i] = kept;
        }
        free(json);
        verdict_free(v);
        look_free(looks[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_waits_and_who_has_left),
        cmocka_unit_test(any_rank_and_any_tag),
        cmocka_unit_test(a_circle_of_collectives_and_messages),
        cmocka_unit_test(calls_that_are_not_the_same),
        cmocka_unit_test(what_is_likely),
        cmocka_unit_test(stacks),
        cmocka_unit_test(nonsense_is_named),
        cmocka_unit_test(what_is_damaged_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
