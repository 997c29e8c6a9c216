/* What is said of a verdict: to people, to programs, as a graph. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/clock.h"
#include "guard/report.h"
#include "guard/words.h"
#include "looks.h"
#include "rota.h"

typedef int (*report_fn)(FILE *to, const struct told *t);

static int text(FILE *to, const struct told *t)
{
    return report_text(to, t, false);
}

static int details(FILE *to, const struct told *t)
{
    return report_text(to, t, true);
}

static struct told hang(const struct look *l, const struct verdict *v)
{
    return (struct told){.why = TOLD_HANG, .look = l, .verdict = v, .ran_ns = 12345678};
}

/* What is said of the look, which ends here; the caller's. */
static char *said(struct look *l, report_fn report)
{
    char *out = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&out, &size);
    assert_non_null(to);
    struct verdict *v = looks_verdict(l);
    struct told t = hang(l, v);
    assert_int_equal(report(to, &t), 0);
    fclose(to);
    verdict_free(v);
    look_free(l);
    return out;
}

static void says(struct look *l, report_fn report, const char *expected)
{
    char *out = said(l, report);
    assert_string_equal(out, expected);
    free(out);
}

static struct look *left(void)
{
    struct look *l = looks_new(4);
    looks_block(l, 0, "MPI_Recv", "fail.c:23");
    looks_recv(l, 0, 2, 7);
    looks_exit(l, 2, 1);
    for (int i = 1; i < 4; i += 2)
        looks_block(l, i, "MPI_Finalize", NULL)->state = LOOK_FINALIZING;
    return l;
}

static void who_waits_for_one_that_has_left_is_told_so(void **state)
{
    (void)state;
    says(left(), text,
         "rota: this program can't go on: rank 0 waits for rank 2, which can't answer "
         "any "
         "more\n"
         "  rank 0 waits for a message from rank 2 with tag 7: MPI_Recv at fail.c:23, "
         "for "
         "0.4 s\n"
         "  rank 2 has exited with status 1\n"
         "  ranks 1 and 3 are at their end, in MPI_Finalize\n");
}

static void many_in_the_same_wait_are_one_line(void **state)
{
    (void)state;
    struct look *l = looks_new(64);
    looks_block(l, 0, "MPI_Recv", "sum.c:9");
    looks_recv(l, 0, 1, 3);
    for (int i = 1; i < 64; i++) {
        looks_block(l, i, "MPI_Barrier", "sum.c:12");
        looks_collective(l, i, LOOK_BARRIER, LOOK_NONE);
    }
    says(
        l, text,
        "rota: this program can't go on: ranks 0 and 1 wait for each other\n"
        "  rank 0 waits for a message from rank 1 with tag 3: MPI_Recv at sum.c:9, for "
        "0.4 s\n"
        "  ranks 1-63 wait in MPI_Barrier on MPI_COMM_WORLD for rank 0: at sum.c:12, "
        "for "
        "0.4 s\n");
}

static void a_message_with_another_tag_is_hinted_at(void **state)
{
    (void)state;
    struct look *l = looks_new(2);
    looks_block(l, 0, "MPI_Recv", NULL);
    looks_recv(l, 0, 1, 3);
    looks_sent(l, 1, 0, 4, 1);
    looks_exit(l, 1, 0);
    says(l, text,
         "rota: this program can't go on: rank 0 waits for rank 1, which can't answer "
         "any "
         "more\n"
         "  rank 0 waits for a message from rank 1 with tag 3: MPI_Recv, for 0.4 s\n"
         "  rank 1 has exited with status 0\n"
         "    (rank 1 has sent rank 0 a message with tag 4 on MPI_COMM_WORLD, which "
         "has not "
         "been received)\n");
}

static void of_several_operations_those_that_lack_are_named(void **state)
{
    (void)state;
    struct look *l = looks_new(3);
    looks_block(l, 0, "MPI_Waitall", "halo.f90:40");
    struct look_op *o = looks_recv(l, 0, 1, 1);
    o->call = "MPI_Irecv";
    o->site.text = "halo.f90:31";
    looks_recv(l, 0, 2, 1)->call = "MPI_Irecv";
    looks_sent(l, 2, 0, 1, 1);
    looks_exit(l, 1, 0);
    l->ranks[1].how = LOOK_KILLED;
    l->ranks[1].how_code = 11;
    says(l, text,
         "rota: this program can't go on: rank 0 waits for rank 1, which can't answer "
         "any "
         "more\n"
         "  rank 0 waits for a message from rank 1 with tag 1 (MPI_Irecv at "
         "halo.f90:31): "
         "MPI_Waitall of 2 operations at halo.f90:40, for 0.4 s\n"
         "  rank 1 was killed by signal 11 (SIGSEGV)\n"
         "  rank 2 runs outside of MPI, for 10 s\n");
}

static struct look *mismatched(void)
{
    struct look *l = looks_new(3);
    looks_block(l, 0, "MPI_Reduce", "a.c:10");
    looks_collective(l, 0, LOOK_REDUCE, 0);
    looks_block(l, 1, "MPI_Bcast", "a.c:12");
    looks_collective(l, 1, LOOK_BCAST, 0)->site.text = "a.c:12";
    return l;
}

static void different_collectives_are_named(void **state)
{
    (void)state;
    says(
        mismatched(), text,
        "rota: the ranks do not make the same collective calls: rank 0 calls "
        "MPI_Reduce "
        "where rank 1 calls MPI_Bcast (at a.c:12)\n"
        "  rank 0 waits in MPI_Reduce with root 0 on MPI_COMM_WORLD: at a.c:10, for "
        "0.4 s\n"
        "  rank 1 waits in MPI_Bcast with root 0 on MPI_COMM_WORLD: at a.c:12, for 0.4 "
        "s\n"
        "  rank 2 runs outside of MPI, for 10 s\n");
}

static void what_is_not_proved_says_why(void **state)
{
    (void)state;
    struct look *l = looks_new(2);
    for (int i = 0; i < 2; i++) {
        struct look_rank *r = looks_block(l, i, "MPI_Send", "swap.c:8");
        r->since_ns = r->progress_ns = 0;
        looks_ssend(l, i, 1 - i, 0)->kind = LOOK_SEND;
    }
    char *out = said(l, text);
    assert_string_equal(
        out, "rota: no progress for 10 s: ranks 0 and 1 wait for each other\n"
             "  rank 0 waits for rank 1 to receive its message with tag 0: MPI_Send at "
             "swap.c:8, for 10 s\n"
             "  rank 1 waits for rank 0 to receive its message with tag 0: MPI_Send at "
             "swap.c:8, for 10 s\n"
             "  this is likely, and not proved: MPI may yet buffer a send that is not "
             "synchronous\n");
    free(out);
}

static void details_say_what_every_rank_does(void **state)
{
    (void)state;
    struct look *l = left();
    l->ranks[0].host = "node1";
    l->ranks[0].pid = 4711;
    char *out = said(l, details);
    assert_non_null(strstr(out,
                           "    rank 0 on node1, process 4711: blocked in MPI_Recv at "
                           "fail.c:23 for 0.4 s\n"
                           "      waits for a message from rank 2 with tag 7\n"
                           "    rank 1: finalizing in MPI_Finalize for 0.4 s\n"
                           "    rank 2: exited with status 1 for 10 s\n"));
    free(out);
}

static void durations_are_as_exact_as_they_need_be(void **state)
{
    (void)state;
    static const struct {
        int64_t ns;
        const char *said;
    } cases[] = {{-5, "0 ms"},
                 {40 * NS_PER_MS, "40 ms"},
                 {100 * NS_PER_MS, "0.1 s"},
                 {9990 * NS_PER_MS, "9.9 s"},
                 {10 * NS_PER_SEC, "10 s"},
                 {600 * NS_PER_SEC, "10 min"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[32] = "";
        FILE *to = fmemopen(out, sizeof(out), "w");
        words_duration(to, cases[i].ns);
        fclose(to);
        assert_string_equal(out, cases[i].said);
    }
}

static void ranks_are_named_in_rows(void **state)
{
    (void)state;
    static const int ranks[] = {0, 2, 3, 5, 6, 7, 9, 11, 13, 15, 17, 19};
    static const struct {
        size_t from;
        size_t count;
        const char *said;
    } cases[] = {{0, 1, "rank 0"},
                 {0, 2, "ranks 0 and 2"},
                 {1, 2, "ranks 2 and 3"},
                 {3, 3, "ranks 5-7"},
                 {0, 6, "ranks 0, 2, 3 and 5-7"},
                 {0, 12, "ranks 0, 2, 3, 5-7, 9, 11, 13, 15 and 2 others"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[64] = "";
        FILE *to = fmemopen(out, sizeof(out), "w");
        words_ranks(to, ranks + cases[i].from, cases[i].count);
        fclose(to);
        assert_string_equal(out, cases[i].said);
    }
}

static void of_a_program_that_goes_on_it_is_said_what_its_ranks_do(void **state)
{
    (void)state;
    struct look *busy = looks_new(3);
    busy->ranks[0].call = "MPI_Send";
    busy->ranks[0].site.text = "step.c:7";
    looks_block(busy, 1, "MPI_Recv", "step.c:9");
    looks_recv(busy, 1, 0, 3);
    says(busy, text,
         "  rank 0 runs outside of MPI, after MPI_Send, at step.c:7, for 10 s\n"
         "  rank 1 is in MPI_Recv at step.c:9, for a message from rank 0 with tag 3, "
         "for "
         "0.4 s\n"
         "  rank 2 runs outside of MPI, for 10 s\n");
    struct look *l = looks_new(2);
    looks_recv(l, 0, 1, LOOK_ANY)->awaited = false;
    l->ranks[0].ops[0].size_bytes = 8;
    says(l, details,
         "  all ranks:\n"
         "    rank 0: running for 10 s\n"
         "      has begun, and not waited for: a message from rank 1 with any tag "
         "(MPI_Call), 8 bytes\n"
         "    rank 1: running for 10 s\n");
}

static char *said_of(const struct told *t)
{
    char *out = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&out, &size);
    assert_int_equal(report_text(to, t, false), 0);
    fclose(to);
    return out;
}

static void a_time_limit_is_told_apart_from_a_hang(void **state)
{
    (void)state;
    struct look *looks[] = {looks_new(2), left()};
    static const char *const heads[] = {
        "rota: the time limit is over after 5.0 s; nothing is known to hang\n"
        "  ranks 0 and 1 run outside of MPI, for 10 s\n",
        "rota: the time limit is over after 5.0 s\n"
        "rota: this program can't go on: "};
    for (int i = 0; i < 2; i++) {
        struct verdict *v = looks_verdict(looks[i]);
        struct told t = hang(looks[i], v);
        t.why = TOLD_TIMEOUT;
        t.ran_ns = 5 * NS_PER_SEC;
        char *out = said_of(&t);
        assert_memory_equal(out, heads[i], strlen(heads[i]));
        free(out);
        verdict_free(v);
        look_free(looks[i]);
    }
}

static void a_death_is_told_first(void **state)
{
    (void)state;
    struct look *l = looks_new(2);
    looks_exit(l, 1, 3);
    l->ranks[1].finalized = false;
    l->ranks[1].initialized = true;
    struct verdict *v = looks_verdict(l);
    struct told t = hang(l, v);
    t.why = TOLD_DEATH;
    t.dead = 1;
    char *out = said_of(&t);
    assert_string_equal(out,
                        "rota: rank 1 has exited with status 3, without MPI_Finalize; "
                        "the others are ended\n"
                        "  rank 0 runs outside of MPI, for 10 s\n"
                        "  rank 1 has exited with status 3, without MPI_Finalize\n");
    free(out);
    l->ranks[1].state = LOOK_UNSEEN;
    out = said_of(&t);
    assert_non_null(strstr(out, "rota: rank 1 is lost, with its host or"));
    free(out);
    verdict_free(v);
    look_free(l);
}

/* --- for programs ----------------------------------------------------------------- */

static void json_has_all_of_it(void **state)
{
    (void)state;
    char *out = said(left(), report_json);
    json_t *root = json_loads(out, 0, NULL);
    assert_non_null(root);
    const char *verdict;
    int proved;
    int rank;
    int on;
    int tag;
    const char *call;
    int status;
    assert_int_equal(
        json_unpack(root, "{s:s,s:b,s:[{s:i,s:s,s:[i],s:{s:i}}],s:[o,o,{s:i}]}",
                    "verdict", &verdict, "proved", &proved, "waits", "rank", &rank,
                    "call", &call, "on", &on, "operation", "tag", &tag, "ranks",
                    &(json_t *){NULL}, &(json_t *){NULL}, "exit_status", &status),
        0);
    assert_string_equal(verdict, "stuck");
    assert_true(proved);
    assert_int_equal(rank, 0);
    assert_string_equal(call, "MPI_Recv");
    assert_int_equal(on, 2);
    assert_int_equal(tag, 7);
    assert_int_equal(status, 1);
    json_decref(root);
    free(out);
}

static void json_of_a_mismatch_has_both_sides(void **state)
{
    (void)state;
    char *out = said(mismatched(), report_json);
    json_t *root = json_loads(out, 0, NULL);
    assert_non_null(root);
    const char *one;
    const char *other;
    const char *site;
    assert_int_equal(json_unpack(root, "{s:{s:{s:s},s:s,s:s}}", "mismatch", "operation",
                                 "call", &one, "other_call", &other, "other_site",
                                 &site),
                     0);
    assert_string_equal(one, "MPI_Reduce");
    assert_string_equal(other, "MPI_Bcast");
    assert_string_equal(site, "a.c:12");
    json_decref(root);
    free(out);
}

static void json_of_a_strange_name_is_still_json(void **state)
{
    (void)state;
    struct look *l = left();
    l->ranks[0].site.text = "\xff\"\n.c:1";
    char *out = said(l, report_json);
    json_t *root = json_loads(out, 0, NULL);
    assert_non_null(root);
    json_decref(root);
    free(out);
}

static void dot_has_an_arrow_for_each_wait(void **state)
{
    (void)state;
    says(left(), report_dot,
         "digraph waits {\n"
         "  node [shape=box];\n"
         "  r0 [label=\"rank 0\\nMPI_Recv\\nfail.c:23\"];\n"
         "  r2 [label=\"rank 2\\nexited with status 1\", style=filled, "
         "fillcolor=lightgrey];\n"
         "  r0 -> r2 [label=\"MPI_Recv\"];\n"
         "}\n");
}

/* How often `part` stands in `whole`. */
static int occurrences(const char *whole, const char *part)
{
    int n = 0;
    while ((whole = strstr(whole, part)) != NULL) {
        n++;
        whole += strlen(part);
    }
    return n;
}

static void html_draws_a_box_for_each_rank_and_an_arrow_for_each_wait(void **state)
{
    (void)state;
    struct look *l = left();
    l->ranks[0].site.text = "<a&b>.c:1";
    char *out = said(l, report_html);
    assert_int_equal(occurrences(out, "<rect "), 2);
    assert_int_equal(occurrences(out, "<path class=\"wait\""), 1);
    assert_int_equal(
        occurrences(out, "<title>rank 0 waits for rank 2: MPI_Recv</title>"), 1);
    assert_int_equal(occurrences(out, ">rank 0: MPI_Recv</text>"), 1);
    assert_int_equal(occurrences(out, "exited with status 1</text>"), 1);
    assert_int_equal(occurrences(out, "&lt;a&amp;b&gt;.c:1"), 3);
    assert_int_equal(occurrences(out, "<a&b>"), 0);
    assert_int_equal(occurrences(out, "http"), 0); /* nothing is fetched */
    free(out);
}

static void html_of_many_ranks_says_what_is_not_drawn(void **state)
{
    (void)state;
    struct look *l = looks_new(500);
    for (int i = 0; i < 500; i++) {
        looks_block(l, i, "MPI_Recv", NULL);
        looks_recv(l, i, LOOK_ANY, 0);
    }
    char *out = said(l, report_html);
    assert_int_equal(occurrences(out, "<rect "), 64);
    assert_int_equal(occurrences(out, "<p>436 ranks more are not drawn.</p>"), 1);
    assert_int_equal(occurrences(out, "<path class="), 1000);
    free(out);
}

static void who_waits_at_the_end_for_one_that_did_not_come_to_it(void **state)
{
    (void)state;
    struct look *l = looks_new(3);
    for (int i = 0; i < 2; i++) {
        struct look_rank *r = looks_block(l, i, "MPI_Finalize", NULL);
        r->state = LOOK_FINALIZING;
        r->since_ns = r->progress_ns = 0;
    }
    looks_exit(l, 2, 1);
    l->ranks[2].finalized = false;
    says(l, text,
         "rota: no progress for 10 s: ranks 0 and 1 wait for rank 2, which can't "
         "answer any "
         "more\n"
         "  ranks 0 and 1 wait in MPI_Finalize for rank 2, for 10 s\n"
         "  rank 2 has exited with status 1, without MPI_Finalize\n"
         "  this is likely, and not proved: MPI may end a collective call early; a "
         "rank has "
         "left, or comes to its end, in the midst of something\n");
}

static void a_full_disk_is_an_error(void **state)
{
    (void)state;
    static const report_fn reports[] = {text, details, report_json, report_dot,
                                        report_html};
    for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++) {
        struct look *l = left();
        struct verdict *v = looks_verdict(l);
        FILE *full = fopen("/dev/full", "w");
        assert_non_null(full);
        struct told t = hang(l, v);
        assert_int_equal(reports[i](full, &t), ROTA_E_IO);
        fclose(full);
        verdict_free(v);
        look_free(l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_waits_for_one_that_has_left_is_told_so),
        cmocka_unit_test(many_in_the_same_wait_are_one_line),
        cmocka_unit_test(a_message_with_another_tag_is_hinted_at),
        cmocka_unit_test(of_several_operations_those_that_lack_are_named),
        cmocka_unit_test(different_collectives_are_named),
        cmocka_unit_test(what_is_not_proved_says_why),
        cmocka_unit_test(details_say_what_every_rank_does),
        cmocka_unit_test(durations_are_as_exact_as_they_need_be),
        cmocka_unit_test(ranks_are_named_in_rows),
        cmocka_unit_test(a_time_limit_is_told_apart_from_a_hang),
        cmocka_unit_test(a_death_is_told_first),
        cmocka_unit_test(of_a_program_that_goes_on_it_is_said_what_its_ranks_do),
        cmocka_unit_test(json_has_all_of_it),
        cmocka_unit_test(json_of_a_mismatch_has_both_sides),
        cmocka_unit_test(json_of_a_strange_name_is_still_json),
        cmocka_unit_test(dot_has_an_arrow_for_each_wait),
        cmocka_unit_test(html_draws_a_box_for_each_rank_and_an_arrow_for_each_wait),
        cmocka_unit_test(html_of_many_ranks_says_what_is_not_drawn),
        cmocka_unit_test(who_waits_at_the_end_for_one_that_did_not_come_to_it),
        cmocka_unit_test(a_full_disk_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
