/* test_talk.c - execute/talk: a persistent program's tasks and answers
 *
 * Lines stand in blocks of just their size, so that AddressSanitizer sees who reads
 * past their end.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "execute/commands.h"
#include "execute/talk.h"

#define WORDS(...) ((char *[]){__VA_ARGS__, NULL})

static char *w(const char *text)
{
    return (char *)(uintptr_t)text;
}

static void task_is(const char *line, uint64_t task, uint32_t attempt, char **words)
{
    struct task_bytes payload = {0}, out = {0};
    const char *text;
    size_t size;
    const struct commands_spec spec = {.argv = words};
    assert_int_equal(commands_pack(&spec, &payload), 0);
    assert_int_equal(commands_words(payload.data, payload.size, &text, &size), 0);
    assert_int_equal(talk_put_task(&out, task, attempt, text, size), 0);
    assert_int_equal(out.size, strlen(line));
    assert_memory_equal(out.data, line, strlen(line));
    free(payload.data);
    free(out.data);
}

static void a_task_is_a_line(void **state)
{
    (void)state;
    task_is("{\"task\":7,\"attempt\":1,\"args\":[\"a\",\"b c\"]}\n", 7, 1,
            WORDS(w("a"), w("b c")));
    task_is("{\"task\":18446744073709551615,\"attempt\":4294967295,\"args\":[\"\"]}\n",
            UINT64_MAX, UINT32_MAX, WORDS(w("")));
}

static void what_json_needs_is_escaped_and_nothing_else(void **state)
{
    (void)state;
    task_is(
        "{\"task\":1,\"attempt\":1,\"args\":[\"\\\"\\\\/\\u0001\\u001f\\u000a\x7f\xc3"
        "\xbc\"]}\n",
        1, 1, WORDS(w("\"\\/\x01\x1f\n\x7f\xc3\xbc")));
}

static void arguments_that_are_no_utf8_are_in_base64(void **state)
{
    (void)state;
    task_is("{\"task\":1,\"attempt\":1,\"args_base64\":[\"/w==\",\"Yg==\"]}\n", 1, 1,
            WORDS(w("\xff"), w("b")));
    task_is("{\"task\":1,\"attempt\":1,\"args_base64\":[\"/v8=\",\"\",\"//79\","
            "\"YWJjZA==\"]}\n",
            1, 1, WORDS(w("\xfe\xff"), w(""), w("\xff\xfe\xfd"), w("abcd")));
    task_is("{\"task\":1,\"attempt\":1,\"args_base64\":[\"7aCA\"]}\n", 1, 1,
            WORDS(w("\xed\xa0\x80"))); /* a surrogate is no character */
}

static void what_is_no_payload_is_refused(void **state)
{
    (void)state;
    struct task_bytes out = {0};
    assert_int_equal(talk_put_task(&out, 1, 1, "a", 1), ROTA_E_FORMAT);
    assert_int_equal(talk_put_task(&out, 1, 1, "", 0), ROTA_E_FORMAT);
    assert_int_equal(out.size, 0);
    free(out.data);
}

/* ---- answers ----------------------------------------------------------------- */

static int read_answer(const char *line, size_t size, struct talk_answer *a,
                       struct task_bytes *text, struct rota_error *err)
{
    char *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, line, size);
    int rc = talk_read_answer(copy, size, a, text, err);
    free(copy);
    return rc;
}

static void answer_is(const char *line, uint64_t task, bool failed, const char *shown,
                      size_t size)
{
    struct talk_answer a;
    struct task_bytes text = {0};
    struct rota_error err = {0};
    if (read_answer(line, strlen(line), &a, &text, &err) != 0)
        fail_msg("%s: %s", line, err.text);
    assert_int_equal(a.task, task);
    assert_int_equal(a.failed, failed);
    assert_int_equal(text.size, size);
    if (size > 0)
        assert_memory_equal(text.data, shown, size);
    free(text.data);
}

static void shows(const char *line, const char *shown)
{
    answer_is(line, 7, false, shown, strlen(shown));
}

static void a_result_is_shown_as_it_was_written(void **state)
{
    (void)state;
    shows("{\"task\":7,\"result\":49}", "49\n");
    shows("{\"task\":7,\"result\":1.10}", "1.10\n");
    shows("{\"task\":7,\"result\":-0.0e+00 }", "-0.0e+00\n");
    shows("{\"task\":7,\"result\":123456789012345678901234567890}",
          "123456789012345678901234567890\n");
    shows(" { \"result\" : [ 1, {\"result\": \"]}\\\"\"} ] , \"task\" : 7 }\r",
          "[ 1, {\"result\": \"]}\\\"\"} ]\n");
    shows("{\"a\":{\"result\":1},\"b\":[\"result\"],\"c\":\"\\\\\",\"result\":true,"
          "\"task\":7}",
          "true\n");
}

static void a_string_is_shown_without_its_quotes(void **state)
{
    (void)state;
    shows("{\"task\":7,\"result\":\"a \\\"b\\\"\\n\\u00fc\"}", "a \"b\"\n\xc3\xbc\n");
    answer_is("{\"task\":7,\"result\":\"a\\u0000b\"}", 7, false, "a\0b\n", 4);
    shows("{\"task\":7,\"result\":\"\"}", "\n");
}

static void null_is_nothing_to_say(void **state)
{
    (void)state;
    answer_is("{\"task\":9007199254740992,\"result\":null}", UINT64_C(9007199254740992),
              false, "", 0);
}

static void an_error_is_a_failure(void **state)
{
    (void)state;
    answer_is("{\"task\":7,\"error\":\"why\"}", 7, true, "why\n", 4);
    answer_is("{\"task\":7,\"result\":null,\"error\":{\"code\":3}}", 7, true,
              "{\"code\":3}\n", 11);
    answer_is("{\"task\":7,\"result\":3,\"error\":null}", 7, false, "3\n", 2);
}

static void refused(const char *line, size_t size, const char *why)
{
    struct talk_answer a = {.task = 99};
    struct task_bytes text = {0};
    struct rota_error err = {0};
    assert_int_equal(read_answer(line, size, &a, &text, &err), ROTA_E_FORMAT);
    assert_int_equal(a.task, 99);
    if (strstr(err.text, why) == NULL)
        fail_msg("'%s' does not say '%s'", err.text, why);
    free(text.data);
}

#define REFUSED(line, why) refused(line, sizeof(line) - 1, why)

static void what_is_no_answer_is_refused_with_the_reason(void **state)
{
    (void)state;
    REFUSED("", "not JSON");
    REFUSED("hello", "not JSON");
    REFUSED("7", "not JSON");
    REFUSED("[7]", "it is no JSON object");
    REFUSED("{\"task\":7,\"result\":1", "not JSON");
    REFUSED("{\"task\":7,\"result\":1}{}", "not JSON");
    REFUSED("{\"task\":7,\"result\":NaN}", "not JSON");
    REFUSED("{\"task\":7,\"result\":1e999}", "not JSON");
    REFUSED("{\"task\":7,\"result\":\"\xff\"}", "not JSON");
    REFUSED("{\"task\":7,\"result\":\"\\ud800\"}", "not JSON");
    REFUSED("{\"task\":7,\"result\":\"\0\"}", "not JSON");
    REFUSED("{\"task\":7,\"task\":8,\"result\":1}", "duplicate");
    REFUSED("{\"result\":1}", "it names no \"task\"");
    REFUSED("{\"task\":\"7\",\"result\":1}", "its \"task\" is no task's number");
    REFUSED("{\"task\":0,\"result\":1}", "its \"task\" is no task's number");
    REFUSED("{\"task\":-7,\"result\":1}", "its \"task\" is no task's number");
    REFUSED("{\"task\":7.5,\"result\":1}", "its \"task\" is no task's number");
    REFUSED("{\"task\":99999999999999999999,\"result\":1}", "no task's number");
    REFUSED("{\"resul\\u0074\":[1, 2],\"task\":7}", "has escapes in it");
    REFUSED("{\"task\":7,\"resul\\u0074\":false}", "has escapes in it");
    REFUSED("{\"task\":7}", "no \"result\" and no \"error\"");
    REFUSED("{\"task\":7,\"error\":null}", "no \"result\" and no \"error\"");
    REFUSED("{\"task\":7,\"result\":1,\"error\":\"x\"}",
            "a \"result\" and an \"error\"");
    REFUSED("{\"task\":1,\"attempt\":1,\"args\":[\"a\"]}", "no \"result\"");
}

/* Every beginning of a good line, and the line with each byte changed, either is an
 * answer or is refused: nothing else, and no byte is read that isn't there. */
static void cut_and_changed_lines_are_survived(void **state)
{
    (void)state;
    static const char good[] =
        "{\"x\":[{\"y\":\"\\\"}\"}],\"task\":7,\"result\":[1,2.5e3,\"\\u00fc\\n\"]}";
    char line[sizeof(good)];
    struct talk_answer a;
    struct task_bytes text = {0};
    for (size_t size = 0; size < sizeof(good) - 1; size++)
        assert_int_equal(read_answer(good, size, &a, &text, NULL), ROTA_E_FORMAT);
    for (size_t i = 0; i < sizeof(good) - 1; i++) {
        for (int c = 0; c < 256; c++) {
            memcpy(line, good, sizeof(good));
            line[i] = (char)c;
            int rc = read_answer(line, sizeof(good) - 1, &a, &text, NULL);
            assert_true(rc == 0 || rc == ROTA_E_FORMAT);
        }
    }
    free(text.data);
}

static void an_excerpt_can_be_read(void **state)
{
    (void)state;
    char buf[TALK_EXCERPT];
    char binary[200];
    assert_string_equal(talk_excerpt("a\x01\xff b\x7f", 6, buf), "a\\x01\\xff b\\x7f");
    memset(binary, '\xff', sizeof(binary));
    talk_excerpt(binary, sizeof(binary), buf);
    assert_int_equal(strlen(buf), 4 * 60 + 3);
    assert_string_equal(buf + 4 * 60, "...");
    assert_string_equal(talk_excerpt("", 0, buf), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_is_a_line),
        cmocka_unit_test(what_json_needs_is_escaped_and_nothing_else),
        cmocka_unit_test(arguments_that_are_no_utf8_are_in_base64),
        cmocka_unit_test(what_is_no_payload_is_refused),
        cmocka_unit_test(a_result_is_shown_as_it_was_written),
        cmocka_unit_test(a_string_is_shown_without_its_quotes),
        cmocka_unit_test(null_is_nothing_to_say),
        cmocka_unit_test(an_error_is_a_failure),
        cmocka_unit_test(what_is_no_answer_is_refused_with_the_reason),
        cmocka_unit_test(cut_and_changed_lines_are_survived),
        cmocka_unit_test(an_excerpt_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
