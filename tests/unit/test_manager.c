/* test_manager.c - farm/manager, with a crew that plays from a script
 *
 * The script is a list of steps that the crew's wait plays, one at a time: an
 * event, or silence. What the manager starts is written down; a step that ends a
 * task names it by its number and attempt.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "farm/manager.h"

enum {
    WORKERS = 2,
};

struct stage {
    struct crew crew;
    const struct crew_event *script;
    int steps;
    int step;
    int tasks; /* that next() gives */
    int given;
    int silent_next; /* so many times next() has none yet */
    int stop_after;  /* steps; 0: never */
    int fail_ended;  /* what ended() returns */
    char log[1024];
};

static void note(struct stage *s, const char *what, uint64_t task, uint64_t other)
{
    size_t used = strlen(s->log);
    snprintf(s->log + used, sizeof(s->log) - used, "%s%s%ju:%ju", used ? " " : "", what,
             (uintmax_t)task, (uintmax_t)other);
}

static int play_start(struct crew *c, int worker, uint64_t task, uint32_t attempt,
                      char *const *argv, struct rota_error *err)
{
    (void)argv;
    (void)err;
    (void)attempt;
    note((struct stage *)c, "start", task, (uint64_t)worker);
    return 0;
}

static int play_wait(struct crew *c, int timeout_ms, struct crew_event *out,
                     struct rota_error *err)
{
    struct stage *s = (struct stage *)c;
    (void)err;
    assert_true(timeout_ms > 0);
    s->step++;
    if (s->step > s->steps)
        return ROTA_E_TIMEOUT;
    *out = s->script[s->step - 1];
    return 0;
}

static const struct crew_ops play_ops = {.start = play_start, .wait = play_wait};

static int play_next(void *ctx, char ***argv, struct rota_error *err)
{
    struct stage *s = ctx;
    (void)err;
    if (s->silent_next-- > 0)
        return ROTA_E_TIMEOUT;
    if (s->given == s->tasks)
        return ROTA_E_NOTFOUND;
    s->given++;
    *argv = calloc(2, sizeof(char *));
    return 0;
}

static int play_ended(void *ctx, const struct manager_end *end, struct rota_error *err)
{
    struct stage *s = ctx;
    (void)err;
    bool tried = end->outcome == SCHEDULE_SUCCEEDED || end->outcome == SCHEDULE_FAILED;
    assert_int_equal(end->result != NULL, tried);
    note(s, "end", end->task, end->outcome);
    return s->fail_ended;
}

static void play_lost(void *ctx, const struct crew_event *event, uint64_t again)
{
    note(ctx, "lost", (uint64_t)event->worker, again);
}

static bool play_stop(void *ctx)
{
    struct stage *s = ctx;
    return s->stop_after > 0 && s->step >= s->stop_after;
}

static int play(struct stage *s, struct manager_summary *summary)
{
    struct manager_hooks hooks = {
        .ctx = s,
        .next = play_next,
        .ended = play_ended,
        .lost = play_lost,
        .stop = play_stop,
    };
    s->crew = (struct crew){.ops = &play_ops, .workers = WORKERS};
    return manager_run(&s->crew, &hooks, summary, NULL);
}

#define JOINED(w)                                                                      \
    {                                                                                  \
        .kind = CREW_JOINED, .worker = (w), .slots = 1                                 \
    }
#define LOST(w)                                                                        \
    {                                                                                  \
        .kind = CREW_LOST, .worker = (w)                                               \
    }
#define ENDED(w, t, a, status)                                                         \
    {                                                                                  \
        .kind = CREW_ENDED, .worker = (w), .result = {                                 \
            .task = (t),                                                               \
            .attempt = (a),                                                            \
            .code = (status)                                                           \
        }                                                                              \
    }
#define SCRIPT(...)                                                                    \
    .script = (const struct crew_event[]){__VA_ARGS__},                                \
    .steps =                                                                           \
        sizeof((const struct crew_event[]){__VA_ARGS__}) / sizeof(struct crew_event)

static void all_tasks_end_and_the_run_with_them(void **state)
{
    (void)state;
    struct manager_summary sum;
    struct stage s = {.tasks = 3,
                      SCRIPT(JOINED(0), JOINED(1), ENDED(1, 1, 1, 0), ENDED(0, 0, 1, 4),
                             ENDED(1, 2, 1, 0))};
    assert_int_equal(play(&s, &sum), 0);
    assert_string_equal(s.log, "start0:0 start1:1 end1:0 start2:1 end0:1 end2:0");
    assert_true(sum.complete);
    assert_int_equal(sum.counts.ended[SCHEDULE_SUCCEEDED], 2);
    assert_int_equal(sum.counts.ended[SCHEDULE_FAILED], 1);
}

static void nothing_to_do_ends_at_once(void **state)
{
    (void)state;
    struct manager_summary sum;
    struct stage s = {.tasks = 0};
    assert_int_equal(play(&s, &sum), 0);
    assert_true(sum.complete);
    assert_int_equal(s.step, 0);
}

static void
a_lost_workers_task_runs_elsewhere_and_its_late_result_is_dropped(void **state)
{
    (void)state;
    struct manager_summary sum;
    struct stage s = {
        .tasks = 1,
        SCRIPT(JOINED(0), JOINED(1), LOST(0), ENDED(0, 0, 1, 0), ENDED(1, 0, 2, 0))};
    assert_int_equal(play(&s, &sum), 0);
    assert_string_equal(s.log, "start0:0 lost0:1 start0:1 end0:0");
    assert_int_equal(sum.late, 1);
    assert_int_equal(sum.counts.again, 1);
    assert_true(sum.complete);
}

static void with_nobody_left_the_run_ends_and_says_what_was_not_done(void **state)
{
    (void)state;
    struct manager_summary sum;
    struct stage s = {.tasks = 1000, SCRIPT(JOINED(0), LOST(1), LOST(0))};
    assert_int_equal(play(&s, &sum), 0);
    assert_false(sum.complete);
    assert_int_equal(sum.counts.ended[SCHEDULE_NO_WORKER], sum.counts.added);
    assert_true(s.given < 200); /* and takes no more of the list */
}

static void tasks_that_come_late_are_waited_for(void **state)
{
    (void)state;
    struct manager_summary sum;
    struct stage s = {.tasks = 1,
                      .silent_next = 3,
                      SCRIPT(JOINED(0), JOINED(1), LOST(1), ENDED(0, 0, 1, 0))};
    assert_int_equal(play(&s, &sum), 0);
    assert_string_equal(s.log, "lost1:0 start0:0 end0:0");
    assert_true(sum.complete);
}

static void stop_is_heard_in_silence(void **state)
{
    (void)state;
    struct manager_summary sum;
    struct stage s = {.tasks = 5, .stop_after = 10, SCRIPT(JOINED(0))};
    assert_int_equal(play(&s, &sum), 0);
    assert_true(sum.stopped);
    assert_false(sum.complete);
    assert_int_equal(sum.counts.leased, 1);
}

static void a_result_that_cannot_be_taken_ends_the_run(void **state)
{
    (void)state;
    struct manager_summary sum;
    struct stage s = {
        .tasks = 5, .fail_ended = ROTA_E_IO, SCRIPT(JOINED(0), ENDED(0, 0, 1, 0))};
    assert_int_equal(play(&s, &sum), ROTA_E_IO);
    assert_false(sum.complete);
}

/* The real crew of one behind the same loop. */
static int echo_next(void *ctx, char ***argv, struct rota_error *err)
{
    static char sh[] = "sh", c[] = "-c", script[] = "echo $$";
    struct stage *s = ctx;
    (void)err;
    if (s->given == s->tasks)
        return ROTA_E_NOTFOUND;
    s->given++;
    *argv = calloc(4, sizeof(char *));
    memcpy(*argv, (char *[]){sh, c, script}, 3 * sizeof(char *));
    return 0;
}

static int echo_ended(void *ctx, const struct manager_end *end, struct rota_error *err)
{
    struct stage *s = ctx;
    (void)err;
    s->step++;
    assert_int_equal(end->outcome, SCHEDULE_SUCCEEDED);
    assert_true(end->result->out.size > 1);
    return 0;
}

static void a_crew_of_one_does_all_by_itself(void **state)
{
    (void)state;
    struct stage s = {.tasks = 50};
    struct manager_hooks hooks = {
        .ctx = &s,
        .next = echo_next,
        .ended = echo_ended,
        .lost = play_lost,
        .stop = play_stop,
    };
    struct manager_summary sum;
    rota_auto(crew) struct crew *crew;
    struct execute_options options = {.slots = 3};
    assert_int_equal(crew_local_open(&options, &crew, NULL), 0);
    assert_int_equal(manager_run(crew, &hooks, &sum, NULL), 0);
    assert_true(sum.complete);
    assert_int_equal(s.step, 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_tasks_end_and_the_run_with_them),
        cmocka_unit_test(nothing_to_do_ends_at_once),
        cmocka_unit_test(
            a_lost_workers_task_runs_elsewhere_and_its_late_result_is_dropped),
        cmocka_unit_test(with_nobody_left_the_run_ends_and_says_what_was_not_done),
        cmocka_unit_test(tasks_that_come_late_are_waited_for),
        cmocka_unit_test(stop_is_heard_in_silence),
        cmocka_unit_test(a_result_that_cannot_be_taken_ends_the_run),
        cmocka_unit_test(a_crew_of_one_does_all_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
