/* test_frame.c - message/frame: what one MPI message of Rota's holds */
#include "unit.h"

#include <limits.h>

#include "message/frame.h"

/* The largest tag that MPI promises, and those of MPICH and of Open MPI. */
static const int max_tags[] = {32767, 0x0fffffff, INT_MAX};

static void an_envelope_comes_back_as_it_was_written(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        const int most = frame_number(max_tags[i]);
        const int numbers[] = {0, 1, most / 2, most};
        for (int kind = FRAME_WHOLE; kind <= FRAME_CREDIT; kind++) {
            for (int n = 0; n < 4; n++) {
                int envelope = frame_envelope((enum frame_kind)kind, numbers[n]);
                assert_in_range(envelope, 0, max_tags[i]);
                assert_int_equal(frame_kind(envelope), kind);
                assert_int_equal(frame_number(envelope), numbers[n]);
            }
        }
    }
}

static void every_envelope_has_a_kind_and_a_number(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        for (int envelope = max_tags[i]; envelope > max_tags[i] - 100; envelope--) {
            enum frame_kind kind = frame_kind(envelope);
            assert_in_range(kind, FRAME_WHOLE, FRAME_CREDIT);
            assert_true(frame_number(envelope) >= 0);
            assert_int_equal(frame_envelope(kind, frame_number(envelope)), envelope);
        }
    }
}

static void an_envelope_is_laid_out_as_documented(void **state)
{
    (void)state;
    assert_int_equal(frame_envelope(FRAME_WHOLE, 5), 5 << 2);
    assert_int_equal(frame_envelope(FRAME_BEGIN, 0), 1);
    assert_int_equal(frame_envelope(FRAME_MORE, 0), 2);
    assert_int_equal(frame_envelope(FRAME_CREDIT, 32), 32 << 2 | 3);
}

static void what_begins_a_message_comes_back_as_it_was_written(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {0, 1, 0x0102030405060708, UINT64_MAX};
    static const uint32_t tags[] = {0, 1, INT32_MAX, UINT32_MAX};
    for (int s = 0; s < 4; s++) {
        for (int t = 0; t < 4; t++) {
            unsigned char bytes[FRAME_BEGIN_BYTES];
            uint64_t size;
            uint32_t tag;
            frame_write_begin(bytes, sizes[s], tags[t]);
            frame_read_begin(bytes, &size, &tag);
            assert_true(size == sizes[s]);
            assert_int_equal(tag, tags[t]);
        }
    }
}

static void what_begins_a_message_is_laid_out_as_documented(void **state)
{
    (void)state;
    static const unsigned char expected[] = {8, 7, 6, 5, 4, 3, 2, 1, 12, 11, 10, 9};
    unsigned char bytes[FRAME_BEGIN_BYTES];
    frame_write_begin(bytes, 0x0102030405060708, 0x090a0b0c);
    assert_int_equal(sizeof(bytes), sizeof(expected));
    assert_memory_equal(bytes, expected, sizeof(expected));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_envelope_comes_back_as_it_was_written),
        cmocka_unit_test(every_envelope_has_a_kind_and_a_number),
        cmocka_unit_test(an_envelope_is_laid_out_as_documented),
        cmocka_unit_test(what_begins_a_message_comes_back_as_it_was_written),
        cmocka_unit_test(what_begins_a_message_is_laid_out_as_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
