/* test_hand.c - farm/hand: a worker's mind, with manager and executor played by the
 * test
 *
 * Memory is refused when the test says so (the linker's --wrap, CMakeLists.txt).
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "farm/hand.h"
#include "farm/wire.h"

enum {
    FUNCTIONS = 2,
    SLOTS = 3,
    PRINT = 77,
    BYTES = 4096,
};

/* ---- refused memory ---------------------------------------------------------- */

static long fail_at; /* the how many-th allocation from here fails; 0: none */

void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static bool is_refused(void)
{
    return fail_at > 0 && --fail_at == 0;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return is_refused() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return is_refused() ? NULL : __real_realloc(old, size);
}

/* ---- the world --------------------------------------------------------------- */

struct world {
    struct executor executor; /* first */
    struct hand *hand;
    int give_rc; /* what the executor's give, its take, and the port's send return */
    int take_rc;
    int send_rc;
    int given;
    struct executor_batch batch; /* the last one given, and a copy of its records: */
    unsigned char records[BYTES];
    int takes;
    struct executor_report report; /* what take hands out, once */
    bool has_report;
    int drops;
    uint64_t drop_lease;
    uint64_t drop_first;
    uint32_t drop_count;
    int sent;
    unsigned char message[BYTES]; /* the last one sent */
    size_t message_bytes;
};

static int give(struct executor *x, const struct executor_batch *b)
{
    struct world *w = (struct world *)x;
    if (w->give_rc != 0)
        return w->give_rc;
    w->given++;
    w->batch = *b;
    memcpy(w->records, b->records, b->bytes);
    return 0;
}

static int take(struct executor *x, struct executor_report *out)
{
    struct world *w = (struct world *)x;
    w->takes++;
    if (w->take_rc != 0 || !w->has_report)
        return w->take_rc ? w->take_rc : ROTA_E_TIMEOUT;
    w->has_report = false;
    *out = w->report;
    return 0;
}

static void drop(struct executor *x, uint64_t lease, uint64_t first, uint32_t count)
{
    struct world *w = (struct world *)x;
    w->drops++;
    w->drop_lease = lease;
    w->drop_first = first;
    w->drop_count = count;
}

static int keep_sent(void *ctx, const void *data, size_t size)
{
    struct world *w = ctx;
    if (w->send_rc != 0)
        return w->send_rc;
    assert_true(size <= BYTES);
    w->sent++;
    memcpy(w->message, data, size);
    w->message_bytes = size;
    return 0;
}

static const struct executor_ops ops = {.give = give, .take = take, .drop = drop};

static void open_world(struct world *w)
{
    *w = (struct world){.executor = {.ops = &ops, .slots = SLOTS}};
    struct hand_port port = {.send = keep_sent, .ctx = w};
    assert_int_equal(hand_new(&port, &w->executor, FUNCTIONS, PRINT, &w->hand), 0);
}

static void close_world(struct world *w)
{
    hand_free(w->hand);
}

/* A batch of two tasks, the second with a tag: how many bytes. */
static size_t write_batch(unsigned char out[BYTES], const struct wire_head *h)
{
    struct parcel_task plain = {.data = (const unsigned char *)"abc", .size = 3};
    struct parcel_task tagged = {.function = 1, .tag = 9};
    size_t at = WIRE_HEAD_BYTES;
    wire_write(out, h);
    parcel_write_task(out + at, &plain);
    at += parcel_task_bytes(&plain);
    parcel_write_task(out + at, &tagged);
    return at + parcel_task_bytes(&tagged);
}

static const struct wire_head two_tasks = {
    .kind = WIRE_TASKS, .count = 2, .lease = 55, .first = 10, .more = 3};

static int receive(struct world *w, const struct wire_head *h)
{
    unsigned char bytes[WIRE_HEAD_BYTES];
    wire_write(bytes, h);
    return hand_receive(w->hand, bytes, sizeof(bytes));
}

static const unsigned char result[PARCEL_RESULT_BYTES] = {0};

/* The executor has run task 10. */
static void finish_one(struct world *w)
{
    w->has_report = true;
    w->report = (struct executor_report){.lease = 55,
                                         .first = 10,
                                         .count = 1,
                                         .busy_ns = 123,
                                         .records = result,
                                         .bytes = sizeof(result)};
}

static void check_report(const struct world *w)
{
    struct wire_head h = {0};
    assert_int_equal(w->message_bytes, WIRE_HEAD_BYTES + sizeof(result));
    assert_int_equal(wire_read(w->message, w->message_bytes, &h), 0);
    assert_int_equal(h.kind, WIRE_RESULTS);
    assert_int_equal(h.lease, 55);
    assert_int_equal(h.first, 10);
    assert_int_equal(h.count, 1);
    assert_int_equal(h.more, 123);
}

static void work(struct world *w, bool expected)
{
    bool reported = !expected;
    assert_int_equal(hand_work(w->hand, &reported), 0);
    assert_int_equal(reported, expected);
}

/* ---- tests ------------------------------------------------------------------- */

static void a_hello_says_how_many_slots_and_which_functions(void **state)
{
    (void)state;
    struct world w;
    struct wire_head h = {0};
    open_world(&w);
    assert_int_equal(hand_hello(w.hand, "node"), 0);
    assert_int_equal(wire_read(w.message, w.message_bytes, &h), 0);
    assert_int_equal(h.kind, WIRE_HELLO);
    assert_int_equal(h.count, SLOTS);
    assert_int_equal(h.lease, PRINT);
    assert_int_equal(w.message_bytes, WIRE_HEAD_BYTES + 4);
    assert_memory_equal(w.message + WIRE_HEAD_BYTES, "node", 4);
    w.send_rc = ROTA_E_LOST;
    assert_int_equal(hand_hello(w.hand, "node"), ROTA_E_LOST);
    close_world(&w);
}

static void a_batch_goes_to_the_executor_as_it_came(void **state)
{
    (void)state;
    struct world w;
    unsigned char bytes[BYTES];
    open_world(&w);
    size_t size = write_batch(bytes, &two_tasks);
    assert_int_equal(hand_receive(w.hand, bytes, size), 0);
    assert_int_equal(w.given, 1);
    assert_int_equal(w.batch.lease, 55);
    assert_int_equal(w.batch.first, 10);
    assert_int_equal(w.batch.count, 2);
    assert_int_equal(w.batch.attempt, 3);
    assert_int_equal(w.batch.bytes, size - WIRE_HEAD_BYTES);
    assert_memory_equal(w.records, bytes + WIRE_HEAD_BYTES, w.batch.bytes);
    close_world(&w);
}

static void a_batch_whose_head_is_nonsense_is_refused(void **state)
{
    (void)state;
    static const struct wire_head heads[] = {
        {.kind = WIRE_HELLO, .count = 2, .more = 1},
        {.kind = WIRE_RESULTS, .count = 2, .more = 1},
        {.kind = WIRE_KINDS, .count = 2, .more = 1},
        {.kind = WIRE_TASKS, .count = 0, .more = 1},
        {.kind = WIRE_TASKS, .count = 1, .more = 1},          /* there are more */
        {.kind = WIRE_TASKS, .count = 3, .more = 1},          /* or fewer */
        {.kind = WIRE_TASKS, .count = UINT32_MAX, .more = 1}, /* or far fewer */
        {.kind = WIRE_TASKS, .count = 2, .more = 0},          /* no attempt */
        {.kind = WIRE_TASKS, .count = 2, .more = UINT64_C(1) << 32},
        {.kind = WIRE_TASKS, .count = 2, .more = 1, .first = UINT64_MAX},
    };
    struct world w;
    unsigned char bytes[BYTES];
    open_world(&w);
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        size_t size = write_batch(bytes, &heads[i]);
        assert_int_equal(hand_receive(w.hand, bytes, size), ROTA_E_FORMAT);
    }
    write_batch(bytes, &two_tasks);
    bytes[0]++; /* another version */
    assert_int_equal(hand_receive(w.hand, bytes, BYTES), ROTA_E_FORMAT);
    assert_int_equal(w.given, 0);
    assert_false(hand_is_finished(w.hand));
    close_world(&w);
}

/* In a block of just as many bytes, for who looks on (AddressSanitizer). */
static void a_batch_that_is_cut_off_is_refused(void **state)
{
    (void)state;
    struct world w;
    unsigned char bytes[BYTES];
    open_world(&w);
    size_t size = write_batch(bytes, &two_tasks);
    for (size_t cut = 0; cut < size; cut++) {
        unsigned char *copy = malloc(cut > 0 ? cut : 1);
        assert_non_null(copy);
        memcpy(copy, bytes, cut);
        assert_int_equal(hand_receive(w.hand, copy, cut), ROTA_E_FORMAT);
        free(copy);
    }
    assert_int_equal(w.given, 0);
    close_world(&w);
}

static void a_task_of_a_function_that_is_not_is_refused(void **state)
{
    (void)state;
    struct world w;
    unsigned char bytes[BYTES];
    open_world(&w);
    size_t size = write_batch(bytes, &two_tasks);
    parcel_put16(bytes + WIRE_HEAD_BYTES + 4, FUNCTIONS);
    assert_int_equal(hand_receive(w.hand, bytes, size), ROTA_E_FORMAT);
    assert_int_equal(w.given, 0);
    close_world(&w);
}

static void a_batch_there_is_no_memory_for_can_come_again(void **state)
{
    (void)state;
    struct world w;
    unsigned char bytes[BYTES];
    open_world(&w);
    size_t size = write_batch(bytes, &two_tasks);
    w.give_rc = ROTA_E_NOMEM;
    assert_int_equal(hand_receive(w.hand, bytes, size), ROTA_E_NOMEM);
    w.give_rc = 0;
    assert_int_equal(hand_receive(w.hand, bytes, size), 0);
    assert_int_equal(w.given, 1);
    close_world(&w);
}

static void what_is_dropped_is_dropped_in_the_executor(void **state)
{
    (void)state;
    struct world w;
    struct wire_head h = {.kind = WIRE_DROP, .count = 4, .lease = 55, .first = 12};
    open_world(&w);
    assert_int_equal(receive(&w, &h), 0);
    assert_int_equal(w.drops, 1);
    assert_int_equal(w.drop_lease, 55);
    assert_int_equal(w.drop_first, 12);
    assert_int_equal(w.drop_count, 4);
    close_world(&w);
}

static void a_report_goes_to_the_manager(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    work(&w, false);
    finish_one(&w);
    work(&w, true);
    check_report(&w);
    work(&w, false);
    assert_int_equal(w.sent, 1);
    close_world(&w);
}

/* Until then the executor is asked for nothing else. */
static void a_report_that_cannot_be_sent_is_sent_later(void **state)
{
    (void)state;
    struct world w;
    open_world(&w);
    finish_one(&w);
    w.send_rc = ROTA_E_NOMEM;
    work(&w, false);
    work(&w, false);
    assert_int_equal(w.takes, 1);
    struct wire_head h = {.kind = WIRE_DROP, .count = 1, .lease = 55, .first = 12};
    assert_int_equal(receive(&w, &h), 0); /* its bytes are the hand's by now */
    w.send_rc = 0;
    work(&w, true);
    check_report(&w);
    assert_int_equal(w.takes, 1);
    close_world(&w);
}

/* Its bytes are the executor's until they have been copied. */
static void a_report_there_is_no_memory_for_stays_with_the_executor(void **state)
{
    (void)state;
    struct world w;
    struct wire_head h = {.kind = WIRE_DROP, .count = 1, .lease = 55, .first = 12};
    open_world(&w);
    finish_one(&w);
    fail_at = 1;
    work(&w, false);
    assert_int_equal(fail_at, 0);
    assert_int_equal(w.sent, 0);
    assert_int_equal(receive(&w, &h), ROTA_E_NOMEM);
    assert_int_equal(w.drops, 0);
    work(&w, true);
    check_report(&w);
    assert_int_equal(w.takes, 1);
    assert_int_equal(receive(&w, &h), 0);
    assert_int_equal(w.drops, 1);
    close_world(&w);
}

static void what_cannot_go_on_is_passed_on(void **state)
{
    (void)state;
    struct world w;
    bool reported = true;
    open_world(&w);
    w.take_rc = ROTA_E_NOMEM;
    work(&w, false);
    w.take_rc = ROTA_E_IO;
    assert_int_equal(hand_work(w.hand, &reported), ROTA_E_IO);
    assert_false(reported);
    w.take_rc = 0;
    w.send_rc = ROTA_E_LOST;
    finish_one(&w);
    assert_int_equal(hand_work(w.hand, &reported), ROTA_E_LOST);
    assert_false(reported);
    close_world(&w);
}

static void who_is_sent_home_is_finished(void **state)
{
    (void)state;
    struct world w;
    struct wire_head h = {.kind = WIRE_FINISH};
    open_world(&w);
    assert_false(hand_is_finished(w.hand));
    assert_int_equal(receive(&w, &h), 0);
    assert_true(hand_is_finished(w.hand));
    close_world(&w);
}

static void who_has_other_functions_is_told_so(void **state)
{
    (void)state;
    struct world w;
    struct wire_head h = {.kind = WIRE_FINISH, .more = 1};
    open_world(&w);
    assert_int_equal(receive(&w, &h), ROTA_E_ARG);
    assert_true(hand_is_finished(w.hand));
    close_world(&w);
}

static uint64_t print_of(const char *one, const char *two)
{
    struct rota_function functions[] = {{.name = one}, {.name = two}};
    return hand_fingerprint(functions, two != NULL ? 2 : 1);
}

static void the_fingerprint_is_of_the_names_in_their_order(void **state)
{
    (void)state;
    char copy[] = "mesh";
    assert_int_equal(print_of("mesh", "solve"), print_of(copy, "solve"));
    assert_true(print_of("mesh", "solve") != print_of("solve", "mesh"));
    assert_true(print_of("mesh", "solve") != print_of("mesh", NULL));
    assert_true(print_of("ab", "c") != print_of("a", "bc"));
    assert_true(print_of("a", "") != print_of("a", NULL));
}

static void without_memory_there_is_no_hand(void **state)
{
    (void)state;
    struct executor x = {.ops = &ops, .slots = 1};
    struct hand_port port = {.send = keep_sent};
    struct hand *h = NULL;
    fail_at = 1;
    assert_int_equal(hand_new(&port, &x, FUNCTIONS, PRINT, &h), ROTA_E_NOMEM);
    assert_null(h);
    hand_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hello_says_how_many_slots_and_which_functions),
        cmocka_unit_test(a_batch_goes_to_the_executor_as_it_came),
        cmocka_unit_test(a_batch_whose_head_is_nonsense_is_refused),
        cmocka_unit_test(a_batch_that_is_cut_off_is_refused),
        cmocka_unit_test(a_task_of_a_function_that_is_not_is_refused),
        cmocka_unit_test(a_batch_there_is_no_memory_for_can_come_again),
        cmocka_unit_test(what_is_dropped_is_dropped_in_the_executor),
        cmocka_unit_test(a_report_goes_to_the_manager),
        cmocka_unit_test(a_report_that_cannot_be_sent_is_sent_later),
        cmocka_unit_test(a_report_there_is_no_memory_for_stays_with_the_executor),
        cmocka_unit_test(what_cannot_go_on_is_passed_on),
        cmocka_unit_test(who_is_sent_home_is_finished),
        cmocka_unit_test(who_has_other_functions_is_told_so),
        cmocka_unit_test(the_fingerprint_is_of_the_names_in_their_order),
        cmocka_unit_test(without_memory_there_is_no_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
