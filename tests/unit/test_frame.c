/* test_frame.c - message/frame: what one MPI message of Rota's holds */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "message/frame.h"
#include "rota.h"

/* frame_read on a copy that ends where the bytes do: a sanitizer sees more. */
static int read_exactly(const unsigned char *bytes, size_t size, struct frame *out)
{
    unsigned char *copy = malloc(size + 1);
    assert_non_null(copy);
    memcpy(copy + 1, bytes, size);
    int rc = frame_read(copy + 1, size, out);
    free(copy);
    return rc;
}

/* How many bytes of data a frame of this kind may hold. */
static bool may_hold(unsigned kind, size_t data)
{
    switch (kind) {
    case FRAME_WHOLE:
        return data <= FRAME_DATA_BYTES;
    case FRAME_BEGIN:
        return data == FRAME_SIZE_BYTES;
    case FRAME_MORE:
        return data > 0 && data <= FRAME_DATA_BYTES;
    case FRAME_CREDIT:
        return data == 0;
    default:
        return false;
    }
}

static void a_header_comes_back_as_it_was_written(void **state)
{
    (void)state;
    static const int32_t tags[] = {0, 1, 0x01020304, INT32_MAX};
    for (int kind = FRAME_WHOLE; kind <= FRAME_CREDIT; kind++) {
        for (size_t i = 0; i < 4; i++) {
            unsigned char bytes[FRAME_HEADER_BYTES + FRAME_SIZE_BYTES] = {0};
            struct frame said = {(enum frame_kind)kind, (uint16_t)(0xfffe + i),
                                 0xfffffffe + (uint32_t)i, tags[i]};
            struct frame got;
            size_t size = FRAME_HEADER_BYTES;
            if (kind == FRAME_BEGIN || kind == FRAME_MORE)
                size += FRAME_SIZE_BYTES;
            frame_write(bytes, &said);
            assert_int_equal(read_exactly(bytes, size, &got), 0);
            assert_int_equal(got.kind, said.kind);
            assert_int_equal(got.credit, said.credit);
            assert_int_equal(got.sequence, said.sequence);
            assert_int_equal(got.tag, said.tag);
        }
    }
}

static void the_header_is_laid_out_as_documented(void **state)
{
    (void)state;
    static const unsigned char expected[] = {0x52, 0x12, 0x02, 0x01, 0x06, 0x05,
                                             0x04, 0x03, 0x0a, 0x09, 0x08, 0x07};
    unsigned char bytes[FRAME_HEADER_BYTES];
    struct frame f = {FRAME_BEGIN, 0x0102, 0x03040506, 0x0708090a};
    frame_write(bytes, &f);
    assert_memory_equal(bytes, expected, sizeof(expected));
}

static void a_frame_of_any_size_is_taken_only_where_its_kind_allows(void **state)
{
    (void)state;
    static unsigned char bytes[FRAME_BYTES + 2];
    for (unsigned kind = 0; kind < 16; kind++) {
        struct frame f = {.kind = (enum frame_kind)kind};
        frame_write(bytes, &f);
        for (size_t size = 0; size <= sizeof(bytes); size++) {
            struct frame got = {.tag = 77};
            bool sound =
                size >= FRAME_HEADER_BYTES && may_hold(kind, size - FRAME_HEADER_BYTES);
            assert_int_equal(read_exactly(bytes, size, &got),
                             sound ? 0 : ROTA_E_FORMAT);
            if (!sound)
                assert_int_equal(got.tag, 77);
        }
    }
}

static void another_magic_or_version_is_refused(void **state)
{
    (void)state;
    unsigned char bytes[FRAME_HEADER_BYTES];
    struct frame f = {.kind = FRAME_WHOLE};
    struct frame got;
    for (size_t at = 0; at < 2; at++) {
        for (int bit = at == 0 ? 0 : 4; bit < 8; bit++) {
            frame_write(bytes, &f);
            bytes[at] ^= (unsigned char)(1 << bit);
            assert_int_equal(frame_read(bytes, sizeof(bytes), &got), ROTA_E_FORMAT);
        }
    }
}

static void a_tag_below_0_is_refused(void **state)
{
    (void)state;
    unsigned char bytes[FRAME_HEADER_BYTES + FRAME_SIZE_BYTES] = {0};
    struct frame got;
    for (int kind = FRAME_WHOLE; kind <= FRAME_BEGIN; kind++) {
        struct frame f = {.kind = (enum frame_kind)kind, .tag = -1};
        frame_write(bytes, &f);
        assert_int_equal(frame_read(bytes, sizeof(bytes), &got), ROTA_E_FORMAT);
    }
}

static void the_size_of_a_message_comes_back_as_it_was_written(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {0, 1, 0x0102030405060708, UINT64_MAX};
    unsigned char bytes[FRAME_SIZE_BYTES];
    for (size_t i = 0; i < 4; i++) {
        frame_write_size(bytes, sizes[i]);
        assert_true(frame_read_size(bytes) == sizes[i]);
    }
    frame_write_size(bytes, 1);
    assert_int_equal(bytes[0], 1);
}

static void random_bytes_are_refused_or_of_a_size_that_fits(void **state)
{
    (void)state;
    srand(11);
    int accepted = 0;
    for (int round = 0; round < 200000; round++) {
        unsigned char bytes[64];
        size_t size = (size_t)rand() % (sizeof(bytes) + 1);
        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = (unsigned char)rand();
        if (round % 2) {
            bytes[0] = 0x52;
            bytes[1] = (unsigned char)(0x10 | (bytes[1] & 7));
        }
        struct frame f;
        if (read_exactly(bytes, size, &f) != 0)
            continue;
        accepted++;
        assert_true(may_hold(f.kind, size - FRAME_HEADER_BYTES));
        assert_true(f.tag >= 0 || f.kind >= FRAME_MORE);
    }
    assert_true(accepted > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_comes_back_as_it_was_written),
        cmocka_unit_test(the_header_is_laid_out_as_documented),
        cmocka_unit_test(a_frame_of_any_size_is_taken_only_where_its_kind_allows),
        cmocka_unit_test(another_magic_or_version_is_refused),
        cmocka_unit_test(a_tag_below_0_is_refused),
        cmocka_unit_test(the_size_of_a_message_comes_back_as_it_was_written),
        cmocka_unit_test(random_bytes_are_refused_or_of_a_size_that_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
