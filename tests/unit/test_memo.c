/* test_memo.c - farm/memo: what goes over comes back, and nonsense is refused */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "farm/memo.h"
#include "rota.h"

static struct memo round_trip(const struct memo *f)
{
    struct memo_bytes bytes;
    struct memo back;
    assert_int_equal(memo_write(f, &bytes), 0);
    assert_int_equal(memo_read(bytes.data, bytes.size, &back), 0);
    /* Every cut of it is refused. */
    for (size_t n = 0; n < bytes.size; n++) {
        struct memo cut;
        assert_int_equal(memo_read(bytes.data, n, &cut), ROTA_E_FORMAT);
    }
    free(bytes.data);
    assert_int_equal(back.kind, f->kind);
    return back;
}

static void a_task_comes_over_whatever_its_words_hold(void **state)
{
    (void)state;
    char a[] = "sh", b[] = "", c[] = "\xff\xfe\n'";
    char *argv[] = {a, b, c, NULL};
    struct memo f = {
        .kind = MEMO_START, .task = UINT64_MAX, .attempt = 7, .argv = argv};
    struct memo back = round_trip(&f);
    assert_true(back.task == UINT64_MAX);
    assert_int_equal(back.attempt, 7);
    for (int i = 0; i < 3; i++)
        assert_string_equal(back.argv[i], argv[i]);
    assert_null(back.argv[3]);
    memo_done(&back);
}

static void a_result_comes_over_with_every_byte(void **state)
{
    (void)state;
    char out[] = "a\0b", err[] = "e";
    struct memo f = {
        .kind = MEMO_ENDED,
        .result = {.task = 3,
                   .attempt = 2,
                   .how = EXECUTE_NOT_STARTED,
                   .code = ENOENT,
                   .took_ns = 5,
                   .out = {.data = out, .size = 3},
                   .err = {.data = err, .size = 1}},
    };
    struct memo back = round_trip(&f);
    assert_int_equal(back.result.task, 3);
    assert_int_equal(back.result.attempt, 2);
    assert_int_equal(back.result.how, EXECUTE_NOT_STARTED);
    assert_int_equal(back.result.code, ENOENT);
    assert_int_equal(back.result.took_ns, 5);
    assert_int_equal(back.result.out.size, 3);
    assert_memory_equal(back.result.out.data, "a\0b", 3);
    assert_memory_equal(back.result.err.data, "e", 1);
    memo_done(&back);
}

static void greeting_and_farewell_come_over(void **state)
{
    (void)state;
    struct memo hello = {.kind = MEMO_HELLO, .slots = 12};
    struct memo finish = {.kind = MEMO_FINISH};
    struct memo back = round_trip(&hello);
    assert_int_equal(back.slots, 12);
    memo_done(&back);
    back = round_trip(&finish);
    memo_done(&back);
    memo_done(NULL);
}

/* `bytes` is refused. */
static void refuse(const char *bytes, size_t size)
{
    struct memo f;
    assert_int_not_equal(memo_read(bytes, size, &f), 0);
}

#define REFUSE(bytes) refuse(bytes, sizeof(bytes) - 1)

static void nonsense_is_refused(void **state)
{
    (void)state;
    REFUSE("");
    REFUSE("\x90");                         /* [] */
    REFUSE("\x92\x02\x04");                 /* version 2 */
    REFUSE("\x92\x01\x05");                 /* kind 5 */
    REFUSE("\x92\x01\x00");                 /* kind 0 */
    REFUSE("\x92\x01\x04\x00");             /* a byte too many */
    REFUSE("\x93\x01\x04\x00");             /* a field too many */
    REFUSE("\x93\x01\x01\x00");             /* no slots */
    REFUSE("\x93\x01\x01\xff");             /* -1 slots */
    REFUSE("\x93\x01\x01\xa1x");            /* slots in memos */
    REFUSE("\x95\x01\x02\x01\x01\x90");     /* no words */
    REFUSE("\x95\x01\x02\x01\x01\x91\x01"); /* a number for a word */
    REFUSE("\x95\x01\x02\x01\x01\x91\xc4\x03"
           "a\0b");                     /* a word with a 0 in it */
    REFUSE("\xdd\xff\xff\xff\xff\x01"); /* an array of 4 billion */
    REFUSE("\x99\x01\x03\x01\x01\x09\x00\x00\xc4\x00\xc4\x00"); /* how: 9 */
}

static void random_bytes_are_survived(void **state)
{
    (void)state;
    char bytes[64];
    srand(1);
    for (int i = 0; i < 200000; i++) {
        struct memo f;
        size_t size = (size_t)rand() % sizeof(bytes);
        for (size_t k = 0; k < size; k++)
            bytes[k] = (char)rand();
        bytes[0] = (char)(0x90 + rand() % 10); /* an array, a version, a kind */
        bytes[1] = 1;
        bytes[2] = (char)(1 + rand() % 4);
        if (memo_read(bytes, size, &f) == 0)
            memo_done(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_comes_over_whatever_its_words_hold),
        cmocka_unit_test(a_result_comes_over_with_every_byte),
        cmocka_unit_test(greeting_and_farewell_come_over),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(random_bytes_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
