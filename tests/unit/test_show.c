/* test_show.c - cli/show: what commands write, on its way out */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/show.h"
#include "cli/tasks.h"

struct screen {
    FILE *out;
    FILE *err;
    struct show *show;
    struct ticket ticket;
};

static void begin(struct screen *s, enum show_mode mode, bool in_order, const char *tag)
{
    *s = (struct screen){.out = tmpfile(), .err = tmpfile(), .ticket = {.tag = tag}};
    struct show_options options = {.out = fileno(s->out),
                                   .err = fileno(s->err),
                                   .mode = mode,
                                   .in_order = in_order};
    assert_int_equal(show_new(&options, &s->show), 0);
}

static void holds(FILE *f, const char *text)
{
    char got[256] = "";
    ssize_t n = pread(fileno(f), got, sizeof(got) - 1, 0);
    assert_true(n >= 0);
    assert_string_equal(got, text);
}

static void done(struct screen *s)
{
    show_free(s->show);
    fclose(s->out);
    fclose(s->err);
}

static struct spool_text text(const char *rest)
{
    return (struct spool_text){.rest = rest, .rest_bytes = strlen(rest)};
}

static void part(struct screen *s, uint64_t task, uint64_t lease, const char *out)
{
    struct crew_part p = {
        .task = task, .order = task, .lease = lease, .out = text(out), .err = text("")};
    assert_int_equal(show_part(s->show, &p, &s->ticket, NULL), 0);
}

static void end(struct screen *s, uint64_t task, uint64_t lease, const char *out,
                const char *errors)
{
    static const struct execute_result result = {.how = EXECUTE_EXITED};
    struct crew_end e = {.task = task,
                         .order = task,
                         .lease = lease,
                         .result = &result,
                         .out = text(out),
                         .err = text(errors)};
    assert_int_equal(show_end(s->show, &e, &s->ticket, NULL), 0);
}

static void a_group_is_shown_as_it_is(void **state)
{
    (void)state;
    struct screen s;
    begin(&s, SHOW_GROUPS, false, NULL);
    end(&s, 0, CREW_NO_LEASE, "a\nb", "e");
    end(&s, 1, CREW_NO_LEASE, "c\n", "");
    holds(s.out, "a\nbc\n");
    holds(s.err, "e");
    done(&s);
}

static void each_line_stands_behind_its_tag(void **state)
{
    (void)state;
    struct screen s;
    begin(&s, SHOW_GROUPS, false, "t");
    end(&s, 0, CREW_NO_LEASE, "a\n\nb", "e\n");
    holds(s.out, "t\ta\nt\t\nt\tb");
    holds(s.err, "t\te\n");
    done(&s);
}

static void lines_come_whole_and_the_last_one_as_it_is(void **state)
{
    (void)state;
    struct screen s;
    begin(&s, SHOW_LINES, false, "t");
    part(&s, 0, 7, "a");
    holds(s.out, "");
    part(&s, 1, 8, "x\ny");
    holds(s.out, "t\tx\n");
    part(&s, 0, 7, "b\nc");
    holds(s.out, "t\tx\nt\tab\n");
    end(&s, 0, 7, "d", "");
    end(&s, 1, 8, "\n", "");
    holds(s.out, "t\tx\nt\tab\nt\tcdt\ty\n");
    done(&s);
}

static void half_a_line_of_an_attempt_that_was_lost_is_not_shown(void **state)
{
    (void)state;
    struct screen s;
    begin(&s, SHOW_LINES, false, NULL);
    part(&s, 0, 7, "a\nlost");
    part(&s, 0, 9, "a\nb");
    end(&s, 0, 9, "\n", "");
    part(&s, 1, 10, "lost too");
    end(&s, 1, CREW_NO_LEASE, "c\n", ""); /* and the last one said nothing before */
    holds(s.out, "a\na\nb\nc\n");
    done(&s);
}

static void bytes_come_as_they_come(void **state)
{
    (void)state;
    struct screen s;
    begin(&s, SHOW_BYTES, true, "t");
    part(&s, 1, 8, "b");
    part(&s, 0, 7, "a");
    end(&s, 1, 8, "c", "");
    holds(s.out, "bac");
    done(&s);
}

static void in_order_the_first_is_shown_and_others_in_their_turn(void **state)
{
    (void)state;
    struct screen s;
    struct spool_file *f;
    struct spool spools[2] = {{.size = 0}};
    begin(&s, SHOW_LINES, true, NULL);
    assert_int_equal(spool_file_new(&f), 0);
    struct crew_part p[2];
    for (uint64_t i = 0; i < 2; i++)
        p[i] = (struct crew_part){.task = i,
                                  .order = i,
                                  .lease = i + 5,
                                  .out = {.file = f, .kept = &spools[i]},
                                  .err = text("")};
    assert_int_equal(spool_put(f, &spools[1], "b1\nb", 4, NULL), 0);
    assert_int_equal(show_part(s.show, &p[1], &s.ticket, NULL), 0);
    holds(s.out, "");
    assert_int_equal(spool_put(f, &spools[0], "a1\na", 4, NULL), 0);
    assert_int_equal(show_part(s.show, &p[0], &s.ticket, NULL), 0);
    holds(s.out, "a1\n");
    static const struct execute_result result = {.how = EXECUTE_EXITED};
    struct crew_end e = {.lease = 5, .result = &result, .out = p[0].out};
    e.out.rest = "2\n";
    e.out.rest_bytes = 2;
    assert_int_equal(show_end(s.show, &e, &s.ticket, NULL), 0);
    holds(s.out, "a1\na2\n");
    assert_int_equal(spool_put(f, &spools[1], "2\nb3", 4, NULL), 0);
    assert_int_equal(show_part(s.show, &p[1], &s.ticket, NULL), 0);
    holds(s.out, "a1\na2\nb1\nb2\n");
    e = (struct crew_end){.order = 1, .lease = 6, .result = &result, .out = p[1].out};
    assert_int_equal(show_end(s.show, &e, &s.ticket, NULL), 0);
    holds(s.out, "a1\na2\nb1\nb2\nb3");
    spool_drop(f, &spools[0]);
    spool_drop(f, &spools[1]);
    spool_file_free(f);
    done(&s);
}

static void what_cannot_be_written_is_said(void **state)
{
    (void)state;
    struct screen s;
    struct rota_error err;
    static const struct execute_result result = {.how = EXECUTE_EXITED};
    begin(&s, SHOW_GROUPS, false, NULL);
    show_free(s.show);
    FILE *full = fopen("/dev/full", "w");
    struct show_options options = {.out = fileno(full), .err = fileno(s.err)};
    assert_int_equal(show_new(&options, &s.show), 0);
    struct crew_end e = {.task = 3, .result = &result, .out = text("x")};
    assert_int_equal(show_end(s.show, &e, &s.ticket, &err), ROTA_E_IO);
    assert_string_equal(err.text, "cannot write task 4's output to standard output: "
                                  "No space left on device");
    fclose(full);
    done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_is_shown_as_it_is),
        cmocka_unit_test(each_line_stands_behind_its_tag),
        cmocka_unit_test(lines_come_whole_and_the_last_one_as_it_is),
        cmocka_unit_test(half_a_line_of_an_attempt_that_was_lost_is_not_shown),
        cmocka_unit_test(bytes_come_as_they_come),
        cmocka_unit_test(in_order_the_first_is_shown_and_others_in_their_turn),
        cmocka_unit_test(what_cannot_be_written_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
