/* test_broker_hear.c - broker: what workers say, sense or not, and parts of it */
#include "broker_world.h"

/* ---- tests ------------------------------------------------------------------- */

static void who_sends_nonsense_is_lost(void **state)
{
    (void)state;
    static const unsigned char short_one[] = {1, 2, 3};
    struct world w;
    open_as(&w, false);
    hello(&w, 0, 1, PRINT);
    hello(&w, 1, 1, PRINT);
    submit_all(&w, 0, 10);
    act(&w);
    give(&w, 0, short_one, sizeof(short_one));
    struct rota_stats s;
    broker_stats(w.broker, &s);
    assert_int_equal(s.lost, 1);
    assert_int_equal(w.fences, 1);
    assert_string_equal(w.strange,
                        "sent a message of 3 bytes, which is too short for one");
    answer_all(&w);
    assert_int_equal(count_results(&w, ROTA_DONE), 10);
    close_world(&w);
}

/* What a worker sends, and what is said of it. */
static void nonsense_is_named(void **state)
{
    (void)state;
    static const struct {
        unsigned char version;
        struct wire_head head;
        const char *said;
    } cases[] = {
        {9, {.kind = WIRE_RESULTS, .count = 1}, "sent a message of version 9, not 3"},
        {WIRE_VERSION,
         {.kind = 99},
         "sent a message of kind 99, which there is none of"},
        {WIRE_VERSION,
         {.kind = WIRE_TASKS},
         "sent TASKS, which is a manager's to send"},
        {WIRE_VERSION,
         {.kind = WIRE_RESULTS, .count = 5, .first = UINT64_MAX - 2},
         "sent RESULTS of 5 tasks from number 18446744073709551613 on, past the last "
         "there can be"},
        {WIRE_VERSION,
         {.kind = WIRE_RESULTS, .count = 0, .lease = 1},
         "sent RESULTS (count 0, lease 1, first 0, more 0), which it can't at this "
         "point"},
        {WIRE_VERSION,
         {.kind = WIRE_HELLO, .count = 1, .lease = PRINT},
         "sent HELLO (count 1, lease 77, first 0, more 0), which it can't at this "
         "point"},
        {WIRE_VERSION,
         {.kind = WIRE_RESULTS, .count = 3, .lease = 1},
         "sent results of 3 tasks, from number 0 on, that can't be read"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world w;
        unsigned char bytes[WIRE_HEAD_BYTES];
        open_as(&w, false);
        hello(&w, 0, 1, PRINT);
        hello(&w, 1, 1, PRINT);
        submit_all(&w, 0, 10);
        act(&w);
        wire_write(bytes, &cases[i].head);
        bytes[0] = cases[i].version;
        give(&w, 0, bytes, sizeof(bytes));
        assert_int_equal(w.losses, 1);
        assert_int_equal(w.fences, 1);
        assert_string_equal(w.strange, cases[i].said);
        answer_all(&w);
        assert_int_equal(count_results(&w, ROTA_DONE), 10);
        close_world(&w);
    }
}

/* Its frame was none, so that there is no message. */
static void who_sends_a_malformed_frame_is_fenced(void **state)
{
    (void)state;
    struct world w;
    open_as(&w, false);
    hello(&w, 0, 1, PRINT);
    hello(&w, 1, 1, PRINT);
    submit_all(&w, 0, 10);
    act(&w);
    assert_int_equal(broker_refuse(w.broker, w.now_ns, 0), 0);
    assert_int_equal(broker_refuse(w.broker, w.now_ns, 0), 0);
    assert_int_equal(broker_lost(w.broker, w.now_ns, 0, false), 0);
    assert_int_equal(w.losses, 1);
    assert_int_equal(w.fences, 1);
    assert_string_equal(w.strange, "sent a malformed frame");
    answer_all(&w);
    assert_int_equal(count_results(&w, ROTA_DONE), 10);
    close_world(&w);
}

/* Its results up to there count. */
static void a_report_that_turns_to_nonsense_costs_its_sender(void **state)
{
    (void)state;
    struct world w;
    open_as(&w, false);
    hello(&w, 0, 1, PRINT);
    submit_all(&w, 0, 2000);
    answer_all(&w);
    int before = w.count;
    submit_all(&w, 0, 2000);
    act(&w);
    assert_true(w.count > before);
    struct sent *s = &w.sent[before];
    struct wire_head h = {0};
    assert_int_equal(wire_read(s->data, s->size, &h), 0);
    assert_true(h.count > 1);
    unsigned char bytes[WIRE_HEAD_BYTES + 48] = {0};
    unsigned char value[8] = {0};
    struct parcel_result one = {.data = value, .size = 8};
    struct wire_head two = {
        .kind = WIRE_RESULTS, .count = 2, .lease = h.lease, .first = h.first};
    wire_write(bytes, &two);
    parcel_write_result(bytes + WIRE_HEAD_BYTES, &one);
    memset(bytes + WIRE_HEAD_BYTES + 24, 0xff, 24);
    give(&w, 0, bytes, sizeof(bytes));
    hello(&w, 1, 1, PRINT);
    w.taken = w.count;
    answer_all(&w);
    assert_int_equal(count_results(&w, ROTA_DONE), 4000);
    struct rota_stats stats;
    broker_stats(w.broker, &stats);
    assert_int_equal(stats.lost, 1);
    close_world(&w);
}

static void a_worker_cannot_say_what_only_the_manager_knows(void **state)
{
    (void)state;
    static const enum rota_outcome wrong[] = {ROTA_POISON, ROTA_CANCELLED,
                                              ROTA_UNTRIED};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct world w;
        struct wire_head h = {0};
        unsigned char bytes[WIRE_HEAD_BYTES + 40] = {0};
        struct parcel_result r = {.outcome = wrong[i]};
        open_as(&w, false);
        hello(&w, 0, 1, PRINT);
        submit_all(&w, 0, 1);
        act(&w);
        assert_int_equal(wire_read(w.sent[0].data, w.sent[0].size, &h), 0);
        struct wire_head answer = {
            .kind = WIRE_RESULTS, .count = 1, .lease = h.lease, .first = h.first};
        wire_write(bytes, &answer);
        parcel_write_result(bytes + WIRE_HEAD_BYTES, &r);
        give(&w, 0, bytes, WIRE_HEAD_BYTES + parcel_result_bytes(&r));
        hello(&w, 1, 1, PRINT);
        w.taken = w.count;
        answer_all(&w);
        assert_int_equal(count_results(&w, ROTA_DONE), 1);
        close_world(&w);
    }
}

/* It does not even count as a result: its task runs elsewhere. */
static void a_result_with_a_task_of_no_function_costs_its_sender(void **state)
{
    (void)state;
    struct world w;
    open_as(&w, false);
    hello(&w, 0, 1, PRINT);
    submit_all(&w, 0, 1);
    act(&w);
    struct wire_head h = {0};
    assert_int_equal(wire_read(w.sent[0].data, w.sent[0].size, &h), 0);
    unsigned char bytes[WIRE_HEAD_BYTES + 100] = {0};
    unsigned char child[64];
    struct parcel_task t = {.function = FUNCTIONS, .tag = 1};
    struct parcel_result r = {
        .tasks = child, .tasks_count = 1, .tasks_bytes = parcel_task_bytes(&t)};
    struct wire_head answer = {
        .kind = WIRE_RESULTS, .count = 1, .lease = h.lease, .first = h.first};
    parcel_write_task(child, &t);
    wire_write(bytes, &answer);
    parcel_write_result(bytes + WIRE_HEAD_BYTES, &r);
    give(&w, 0, bytes, WIRE_HEAD_BYTES + parcel_result_bytes(&r));
    hello(&w, 1, 1, PRINT);
    w.taken = w.count;
    answer_all(&w);
    struct rota_result told = next(&w);
    assert_int_equal(told.outcome, ROTA_DONE);
    assert_int_equal(told.worker, 2);
    assert_true(broker_is_over(w.broker));
    close_world(&w);
}

/* Whichever allocation fails while they are taken. */
static void what_was_said_before_nonsense_counts(void **state)
{
    (void)state;
    static const unsigned char short_one[] = {1, 2, 3};
    for (long n = 1; n < 6; n++) {
        struct world w;
        open_as(&w, true);
        hello(&w, 0, 1, PRINT);
        submit_all(&w, 0, 1);
        act(&w);
        submit_all(&w, 1, 1); /* the plan is to learn of it first, which needs memory */
        fail_at = n;
        answer(&w, &w.sent[0]);
        fail_at = 0;
        give(&w, 0, short_one, sizeof(short_one));
        act(&w);
        assert_int_equal(next(&w).outcome, ROTA_DONE);
        struct rota_stats s;
        broker_stats(w.broker, &s);
        assert_int_equal(s.refused, 0);
        assert_int_equal(s.lost, 1);
        close_world(&w);
    }
}

static void who_is_stopped_before_saying_hello_gets_nothing(void **state)
{
    (void)state;
    struct world w;
    open_as(&w, false);
    broker_freeze(w.broker, w.now_ns, 0, true);
    hello(&w, 0, 1, PRINT);
    submit_all(&w, 0, 3);
    act(&w);
    assert_int_equal(w.count, 0);
    broker_freeze(w.broker, w.now_ns, 0, false);
    answer_all(&w);
    assert_int_equal(count_results(&w, ROTA_DONE), 3);
    close_world(&w);
}

static void who_has_other_functions_is_sent_home(void **state)
{
    (void)state;
    struct world w;
    open_as(&w, false);
    hello(&w, 0, 1, PRINT + 1);
    assert_int_equal(w.count, 1);
    struct wire_head h = {0};
    assert_int_equal(wire_read(w.sent[0].data, w.sent[0].size, &h), 0);
    assert_int_equal(h.kind, WIRE_FINISH);
    assert_int_equal(h.more, 1);
    submit_all(&w, 0, 3);
    act(&w);
    assert_int_equal(w.count, 1);
    close_world(&w);
}

static void say(struct world *w, int worker, struct wire_head h)
{
    unsigned char head[WIRE_HEAD_BYTES];
    wire_write(head, &h);
    give(w, worker, head, sizeof(head));
}

static void who_wants_no_more_gets_none_until_he_does(void **state)
{
    (void)state;
    struct world w;
    struct wire_head last;
    open_with(&w, (struct broker_options){.once = true, .prompt = true});
    hello(&w, 1, 2, PRINT);
    say(&w, 1, (struct wire_head){.kind = WIRE_SHUT, .more = 1});
    assert_int_equal(broker_counts(w.broker).shut, 1);
    submit_all(&w, 0, 5);
    act(&w);
    assert_int_equal(count_sent(&w, 1, WIRE_TASKS, &last), 0);
    say(&w, 1, (struct wire_head){.kind = WIRE_SHUT, .more = 0});
    act(&w);
    assert_int_equal(count_sent(&w, 1, WIRE_TASKS, &last), 2); /* and none to wait */
    assert_int_equal(last.count, 1);
    assert_int_equal(broker_counts(w.broker).running, 2);
    assert_int_equal(w.losses, 0);
    say(&w, 1, (struct wire_head){.kind = WIRE_SHUT, .more = 2});
    assert_int_equal(w.losses, 1);
    assert_int_equal(broker_counts(w.broker).shut, 0);
    close_world(&w);
}

/* ---- parts ------------------------------------------------------------------- */

/* Parts that came, and what became of the attempts that they are of. */
struct parts_world {
    struct world world; /* first: what the port's functions get */
    int came;
    int came_rc;
    bool spoilt;
    int counted;
    int dropped;
};

static int part_came(void *ctx, int worker, const struct broker_attempt *a,
                     const void *data, size_t size)
{
    struct parts_world *p = ctx;
    (void)worker;
    (void)a;
    assert_int_equal(size, 3);
    assert_memory_equal(data, "abc", 3);
    p->came++;
    int rc = p->came_rc;
    if (rc == ROTA_E_NOMEM)
        p->came_rc = 0;
    return rc;
}

static bool parts_are_whole(void *ctx, uint64_t lease, uint64_t task)
{
    const struct parts_world *p = ctx;
    (void)lease;
    return !p->spoilt || task != 0;
}

static void parts_settled(void *ctx, uint64_t lease, uint64_t task, bool counts)
{
    struct parts_world *p = ctx;
    (void)lease;
    (void)task;
    p->counted += counts;
    p->dropped += !counts;
}

static const struct broker_parts parts = {
    .came = part_came, .whole = parts_are_whole, .settled = parts_settled};

static void open_parts(struct parts_world *p)
{
    struct broker_port port = {.send = keep_sent,
                               .done = free_data,
                               .lost = note_lost,
                               .parts = &parts,
                               .ctx = &p->world};
    struct broker_options options = {.workers = WORKERS,
                                     .first_rank = 1,
                                     .functions = FUNCTIONS,
                                     .fingerprint = PRINT,
                                     .once = true};
    *p = (struct parts_world){.world = {.now_ns = 1000}};
    assert_int_equal(broker_new(&options, &port, &p->world.broker), 0);
}

/* The worker that got message `s` says "abc" of its first task. */
static void say_part(struct world *w, const struct sent *s, uint64_t lease_off)
{
    unsigned char message[WIRE_HEAD_BYTES + 3];
    struct wire_head h = {0};
    assert_int_equal(wire_read(s->data, s->size, &h), 0);
    h.kind = WIRE_PART;
    h.count = 1;
    h.lease += lease_off;
    h.more = 0;
    wire_write(message, &h);
    memcpy(message + WIRE_HEAD_BYTES, "abc", 3);
    give(w, s->worker, message, sizeof(message));
}

static void a_part_is_passed_on_while_its_attempt_has_no_result(void **state)
{
    (void)state;
    struct parts_world p;
    struct world *w = &p.world;
    open_parts(&p);
    submit_all(w, 0, 1);
    hello(w, 0, 1, PRINT);
    act(w);
    p.came_rc = ROTA_E_NOMEM;
    say_part(w, &w->sent[0], 0); /* tried twice */
    assert_int_equal(p.came, 2);
    say_part(w, &w->sent[0], 1); /* nobody's lease */
    assert_int_equal(p.came, 2);
    answer(w, &w->sent[0]);
    assert_int_equal(p.counted, 1);
    assert_int_equal(p.dropped, 0);
    say_part(w, &w->sent[0], 0); /* too late */
    assert_int_equal(p.came, 2);
    assert_int_equal(next(w).outcome, ROTA_DONE);
    close_world(w);
}

static void parts_of_a_try_that_is_not_the_last_are_dropped(void **state)
{
    (void)state;
    struct parts_world p;
    struct world *w = &p.world;
    open_parts(&p);
    submit_all(w, 2, 1); /* fails, and once more */
    hello(w, 0, 1, PRINT);
    act(w);
    say_part(w, &w->sent[0], 0);
    answer_all(w);
    assert_int_equal(p.dropped, 1);
    assert_int_equal(p.counted, 1);
    assert_int_equal(next(w).outcome, ROTA_FAILED);
    close_world(w);
}

static void a_task_whose_parts_are_not_whole_has_failed(void **state)
{
    (void)state;
    struct parts_world p;
    struct world *w = &p.world;
    struct wire_head h = {0};
    open_parts(&p);
    p.spoilt = true; /* task 0 */
    submit_all(w, 0, 2);
    hello(w, 0, 2, PRINT);
    act(w);
    p.came_rc = ROTA_E_IO;
    int sent = w->count;
    say_part(w, &w->sent[0], 0);
    assert_int_equal(w->count, sent + 1);
    assert_int_equal(wire_read(w->sent[sent].data, w->sent[sent].size, &h), 0);
    assert_int_equal(h.kind, WIRE_END);
    answer_all(w);
    int done = 0, failed = 0;
    for (int i = 0; i < 2; i++) {
        enum rota_outcome outcome = next(w).outcome;
        done += outcome == ROTA_DONE;
        failed += outcome == ROTA_FAILED;
    }
    assert_int_equal(done, 1);
    assert_int_equal(failed, 1);
    close_world(w);
}

static void who_says_parts_where_there_are_none_is_lost(void **state)
{
    (void)state;
    struct world w;
    open_as(&w, false);
    submit_all(&w, 0, 1);
    hello(&w, 0, 1, PRINT);
    act(&w);
    say_part(&w, &w.sent[0], 0);
    assert_int_equal(w.losses, 1);
    assert_string_not_equal(w.strange, "");
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_is_passed_on_while_its_attempt_has_no_result),
        cmocka_unit_test(parts_of_a_try_that_is_not_the_last_are_dropped),
        cmocka_unit_test(a_task_whose_parts_are_not_whole_has_failed),
        cmocka_unit_test(who_says_parts_where_there_are_none_is_lost),
        cmocka_unit_test(who_sends_nonsense_is_lost),
        cmocka_unit_test(nonsense_is_named),
        cmocka_unit_test(who_sends_a_malformed_frame_is_fenced),
        cmocka_unit_test(a_report_that_turns_to_nonsense_costs_its_sender),
        cmocka_unit_test(a_worker_cannot_say_what_only_the_manager_knows),
        cmocka_unit_test(a_result_with_a_task_of_no_function_costs_its_sender),
        cmocka_unit_test(what_was_said_before_nonsense_counts),
        cmocka_unit_test(who_is_stopped_before_saying_hello_gets_nothing),
        cmocka_unit_test(who_has_other_functions_is_sent_home),
        cmocka_unit_test(who_wants_no_more_gets_none_until_he_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
