/* test_patience.c - liveness/patience: how long is waited, from the environment */
#include "unit.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/patience.h"

static const int64_t a_century_ns = 100 * 365 * INT64_C(86400) * NS_PER_SEC;

static int64_t silence_of(const char *value)
{
    setenv("ROTA_SILENCE_MS", value, 1);
    return patience_from_env().silence_ns;
}

static int forget_all(void **state)
{
    (void)state;
    unsetenv("ROTA_SILENCE_MS");
    unsetenv("ROTA_FREEZE_MS");
    unsetenv("ROTA_JOIN_MS");
    unsetenv("ROTA_OUTLIVE_MS");
    return 0;
}

static void without_a_word_the_defaults_hold(void **state)
{
    (void)state;
    struct patience p = patience_from_env();
    assert_int_equal(p.silence_ns, 10 * NS_PER_SEC);
    assert_int_equal(p.freeze_ns, 10 * NS_PER_SEC);
    assert_int_equal(p.join_ns, 60 * NS_PER_SEC);
    assert_int_equal(p.outlive_ns, 60 * NS_PER_SEC);
}

static void each_has_its_own_variable(void **state)
{
    (void)state;
    setenv("ROTA_SILENCE_MS", "1", 1);
    setenv("ROTA_FREEZE_MS", "20", 1);
    setenv("ROTA_JOIN_MS", "300", 1);
    setenv("ROTA_OUTLIVE_MS", "4000", 1);
    struct patience p = patience_from_env();
    assert_int_equal(p.silence_ns, 1 * NS_PER_MS);
    assert_int_equal(p.freeze_ns, 20 * NS_PER_MS);
    assert_int_equal(p.join_ns, 300 * NS_PER_MS);
    assert_int_equal(p.outlive_ns, 4 * NS_PER_SEC);
}

static void nonsense_is_as_good_as_nothing(void **state)
{
    (void)state;
    static const char *const nonsense[] = {"",
                                           "0",
                                           "-1",
                                           "soon",
                                           "5s",
                                           "1e3",
                                           "0x10",
                                           "1.5",
                                           "5 ",
                                           "-",
                                           "--5",
                                           "nan",
                                           "-9223372036854775809"};
    for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++)
        assert_int_equal(silence_of(nonsense[i]), 10 * NS_PER_SEC);
}

/* Whoever writes many nines means: never. A deadline that many nanoseconds from now
 * must still be a number. */
static void a_very_long_patience_is_long_and_can_be_added_to_the_time(void **state)
{
    (void)state;
    static const char *const lengths[] = {"9223372036854", "9223372036855",
                                          "9223372036854775807",
                                          "99999999999999999999999999"};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        int64_t deadline;
        int64_t patience = silence_of(lengths[i]);
        assert_true(patience >= a_century_ns);
        assert_false(__builtin_add_overflow(a_century_ns, patience, &deadline));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(without_a_word_the_defaults_hold, forget_all),
        cmocka_unit_test_setup(each_has_its_own_variable, forget_all),
        cmocka_unit_test_setup(nonsense_is_as_good_as_nothing, forget_all),
        cmocka_unit_test_setup(
            a_very_long_patience_is_long_and_can_be_added_to_the_time, forget_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
