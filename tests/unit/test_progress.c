/* test_progress.c - cli/progress and cli/units: the line that says how far a run is */
#include "unit.h"

#include <string.h>

#include "base/clock.h"
#include "cli/progress.h"
#include "cli/units.h"

/* ---- units ----------------------------------------------------------------------- */

static void is_duration(const char *text, double seconds)
{
    int64_t ns = -1;
    if (!units_duration(text, &ns))
        fail_msg("'%s' is refused", text);
    double off = (double)ns / (double)NS_PER_SEC - seconds;
    assert_true(off < 1e-6 && off > -1e-6);
}

static void durations_are_what_people_write(void **state)
{
    (void)state;
    is_duration("90", 90);
    is_duration("0.5", 0.5);
    is_duration(".25", 0.25);
    is_duration("0", 0);
    is_duration("1h30m", 5400);
    is_duration("1d3.5h16.6m4s", 86400 + 3.5 * 3600 + 16.6 * 60 + 4);
    is_duration("2M", 120);
    is_duration("1m30", 90);
    is_duration("1e2", 100);
}

static void what_is_no_duration_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",      "s",     "-1",   "1x",  "1 s",
                                        "1s ",   "inf",   "m5",   "nan", "0x10",
                                        "1.2.3", "1e300", "1h-2m"};
    int64_t ns = 7;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (units_duration(wrong[i], &ns))
            fail_msg("'%s' is taken", wrong[i]);
    assert_int_equal(ns, 7);
}

static void is_size(const char *text, int64_t bytes)
{
    int64_t got = -1;
    if (!units_size(text, &got))
        fail_msg("'%s' is refused", text);
    assert_int_equal(got, bytes);
}

static void sizes_are_what_people_write(void **state)
{
    (void)state;
    int64_t bytes = 7;
    is_size("0", 0);
    is_size("800", 800);
    is_size("1K", 1024);
    is_size("1k", 1000);
    is_size("1.5G", INT64_C(3) << 29);
    is_size("2Gi", INT64_C(2) << 30);
    is_size("3t", INT64_C(3000000000000));
    is_size("1P", INT64_C(1) << 50);
    static const char *const wrong[] = {"", "G", "-1G", "1GB", "1gi", "1 G", "9000P"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        if (units_size(wrong[i], &bytes))
            fail_msg("'%s' is taken", wrong[i]);
    assert_int_equal(bytes, 7);
}

static void they_are_told_in_few_letters(void **state)
{
    (void)state;
    char buf[UNITS_TEXT];
    assert_string_equal(units_duration_text(0.4, buf), "0 s");
    assert_string_equal(units_duration_text(99, buf), "99 s");
    assert_string_equal(units_duration_text(100, buf), "1m40s");
    assert_string_equal(units_duration_text(7500, buf), "2h05m");
    assert_string_equal(units_duration_text(3 * 86400 + 4 * 3600, buf), "3d04h");
    assert_string_equal(units_duration_text(1e300, buf), "11574074d01h");
    assert_string_equal(units_size_text(512, buf), "512 B");
    assert_string_equal(units_size_text(INT64_C(3) << 29, buf), "1.5 GiB");
    assert_string_equal(units_size_text(INT64_MAX, buf), "8.0 EiB");
}

/* ---- how fast -------------------------------------------------------------------- */

static void the_rate_forgets_what_is_long_past(void **state)
{
    (void)state;
    struct progress_pace p;
    progress_begin(&p, 0);
    assert_int_equal(progress_rate(&p, 0, 0), 0);
    assert_int_equal(progress_rate(&p, 2 * NS_PER_SEC, 10), 5);
    uint64_t done = 0;
    for (int s = 1; s <= 100; s++) /* five a second, and then one */
        progress_rate(&p, s * NS_PER_SEC, done += s <= 50 ? 5 : 1);
    assert_true(progress_rate(&p, 100 * NS_PER_SEC, done) < 1.05);
    assert_true(progress_rate(&p, 100 * NS_PER_SEC, done) > 0.95);
}

static void the_rate_of_long_tasks_is_taken_over_enough_of_them(void **state)
{
    (void)state;
    struct progress_pace p;
    progress_begin(&p, 0);
    double rate = 0;
    for (int s = 60; s <= 60 * 30; s += 5) /* one a minute */
        rate = progress_rate(&p, s * NS_PER_SEC, (uint64_t)s / 60);
    assert_true(rate > 0.016 && rate < 0.018);
}

/* ---- the line -------------------------------------------------------------------- */

static void says(const struct progress *p, enum progress_form form, int width,
                 const char *wanted)
{
    char buf[400];
    size_t size = progress_text(p, form, width, buf, sizeof(buf));
    assert_string_equal(buf, wanted);
    assert_int_equal(size, strlen(wanted));
}

static void it_says_what_is_known(void **state)
{
    (void)state;
    struct progress p = {.total = -1, .running = 2, .workers = -1};
    says(&p, PROGRESS_LINE, 200, "rota: 0 done, 2 running");
    p.done = 37;
    p.rate = 5.25;
    says(&p, PROGRESS_LINE, 200, "rota: 37 done, 2 running, 5.2/s");
    p.total = 100;
    p.failed = 2;
    says(&p, PROGRESS_LINE, 200,
         "rota: 37/100 done, 2 failed, 2 running, 5.2/s, 12 s left");
    p.workers = 1;
    says(&p, PROGRESS_LINE, 200,
         "rota: 37/100 done, 2 failed, 2 running, 5.2/s, 12 s left; 1 worker");
    p.workers = 3;
    p.lost = 1;
    p.shut = 2;
    p.ending = true;
    says(
        &p, PROGRESS_ETA, 200,
        "rota: 37/100 done, 2 failed, 2 running, no more are begun; 3 workers, 1 lost, "
        "2 waiting for room");
}

static void it_is_cut_to_the_width(void **state)
{
    (void)state;
    struct progress p = {.total = 100, .done = 37, .running = 2, .workers = -1};
    says(&p, PROGRESS_LINE, 12, "rota: 37/100");
    says(&p, PROGRESS_LINE, 0, "");
    says(&p, PROGRESS_LINE, -1, "");
    char small[8];
    assert_int_equal(progress_text(&p, PROGRESS_LINE, 80, small, sizeof(small)), 7);
    assert_string_equal(small, "rota: 3");
}

static void a_bar_is_inverse_as_far_as_it_is(void **state)
{
    (void)state;
    struct progress p = {
        .total = 40, .done = 10, .running = 2, .rate = 3, .workers = -1};
    says(&p, PROGRESS_BAR, 40,
         "\033[7m25% 10:30=\033[0m10 s, 2 running               ");
    p.done = 40;
    says(&p, PROGRESS_BAR, 8, "\033[7m100% 40:\033[0m");
    p.total = -1; /* without an end there is no bar */
    says(&p, PROGRESS_BAR, 18, "rota: 40 done, 2 r");
}

static void zenity_can_read_it(void **state)
{
    (void)state;
    char buf[100];
    struct progress p = {.total = 40, .done = 10, .rate = 3, .workers = -1};
    progress_zenity(&p, buf, sizeof(buf));
    assert_string_equal(buf, "#   10 sec 10/40\r25.00");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_what_people_write),
        cmocka_unit_test(what_is_no_duration_is_refused),
        cmocka_unit_test(sizes_are_what_people_write),
        cmocka_unit_test(they_are_told_in_few_letters),
        cmocka_unit_test(the_rate_forgets_what_is_long_past),
        cmocka_unit_test(the_rate_of_long_tasks_is_taken_over_enough_of_them),
        cmocka_unit_test(it_says_what_is_known),
        cmocka_unit_test(it_is_cut_to_the_width),
        cmocka_unit_test(a_bar_is_inverse_as_far_as_it_is),
        cmocka_unit_test(zenity_can_read_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
