/* test_line.c - liveness/line: what is said on the liveness line, byte by byte */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "liveness/line.h"

enum {
    MOST = LINE_HELLO_BYTES, /* the largest payload that is accepted here */
    RANKS = 5,
};

/* A frame of `kind` with `size` bytes of payload; returns its length. */
static size_t frame_of(unsigned char *out, enum line_kind kind, const void *payload,
                       size_t size)
{
    line_put_header(out, kind, size);
    if (size > 0)
        memcpy(out + LINE_HEADER_BYTES, payload, size);
    return LINE_HEADER_BYTES + size;
}

/* line_parse on a copy that ends where the bytes do, so that a read past the end
 * is seen by a sanitizer. */
static long parse_exactly(const unsigned char *bytes, size_t size, size_t most,
                          struct line_frame *out)
{
    unsigned char *copy = malloc(size + 1);
    assert_non_null(copy);
    memcpy(copy + 1, bytes, size);
    long used = line_parse(copy + 1, size, most, out);
    if (used > 0)
        out->payload = bytes + (out->payload - (copy + 1));
    free(copy);
    return used;
}

static void a_frame_is_taken_only_when_its_last_byte_is_there(void **state)
{
    (void)state;
    unsigned char bytes[LINE_HEADER_BYTES + 7 + 3];
    size_t whole = frame_of(bytes, LINE_REPORT, "payload", 7);
    memcpy(bytes + whole, "RLN", 3);
    for (size_t size = 0; size < whole; size++) {
        struct line_frame f = {.size = 99};
        assert_int_equal(parse_exactly(bytes, size, MOST, &f), 0);
        assert_int_equal(f.size, 99);
    }
    for (size_t size = whole; size <= sizeof(bytes); size++) {
        struct line_frame f;
        assert_int_equal(parse_exactly(bytes, size, MOST, &f), whole);
        assert_int_equal(f.kind, LINE_REPORT);
        assert_int_equal(f.size, 7);
        assert_ptr_equal(f.payload, bytes + LINE_HEADER_BYTES);
    }
}

static void the_first_wrong_byte_of_the_magic_is_enough(void **state)
{
    (void)state;
    struct line_frame f;
    for (size_t at = 0; at < 4; at++) {
        unsigned char bytes[4] = {'R', 'L', 'N', '1'};
        bytes[at] ^= 1;
        for (size_t size = 1; size <= sizeof(bytes); size++) {
            long expected = size > at ? ROTA_E_FORMAT : 0;
            assert_int_equal(parse_exactly(bytes, size, MOST, &f), expected);
        }
    }
}

static void the_header_is_laid_out_as_documented(void **state)
{
    (void)state;
    static const unsigned char expected[] = {'R', 'L', 'N', '1', 0,    5,
                                             0,   0,   0,   1,   0x02, 0x03};
    unsigned char header[LINE_HEADER_BYTES];
    line_put_header(header, LINE_FATE, 0x010203);
    assert_memory_equal(header, expected, sizeof(expected));
}

static void a_payload_larger_than_allowed_is_refused_by_its_header(void **state)
{
    (void)state;
    static const size_t sizes[] = {MOST + 1, 0x7fffffff, 0x80000000, 0xffffffff};
    struct line_frame f;
    unsigned char header[LINE_HEADER_BYTES];
    line_put_header(header, LINE_HELLO, MOST);
    assert_int_equal(parse_exactly(header, sizeof(header), MOST, &f), 0);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        line_put_header(header, LINE_HELLO, sizes[i]);
        assert_int_equal(parse_exactly(header, sizeof(header), MOST, &f),
                         ROTA_E_FORMAT);
    }
}

static void only_the_kinds_that_there_are_are_accepted(void **state)
{
    (void)state;
    struct line_frame f;
    unsigned char header[LINE_HEADER_BYTES];
    for (unsigned kind = 0; kind < 0x10000; kind++) {
        line_put_header(header, LINE_PING, 0);
        header[4] = (unsigned char)(kind >> 8);
        header[5] = (unsigned char)kind;
        bool is_one = kind >= LINE_CHALLENGE && kind <= LINE_LAST;
        assert_int_equal(line_parse(header, sizeof(header), MOST, &f),
                         is_one ? LINE_HEADER_BYTES : ROTA_E_FORMAT);
    }
    for (size_t at = 6; at < 8; at++) {
        line_put_header(header, LINE_PING, 0);
        header[at] = 1;
        assert_int_equal(line_parse(header, sizeof(header), MOST, &f), ROTA_E_FORMAT);
    }
}

static struct line_hello some_hello(void)
{
    struct line_hello h = {.rank = 0xfffffffe, .size = 0x01020304};
    for (size_t i = 0; i < sizeof(h.nonce); i++) {
        h.nonce[i] = (unsigned char)i;
        h.proof[i] = (unsigned char)(200 - i);
    }
    return h;
}

static void a_hello_comes_back_as_it_was_written(void **state)
{
    (void)state;
    unsigned char payload[LINE_HELLO_BYTES + 1] = {0};
    struct line_hello said = some_hello();
    struct line_hello got;
    line_put_hello(payload, &said);
    struct line_frame f = {.size = LINE_HELLO_BYTES, .payload = payload};
    assert_int_equal(line_get_hello(&f, &got), 0);
    assert_memory_equal(&got, &said, sizeof(said));
    for (f.size = 0; f.size <= sizeof(payload); f.size++) {
        if (f.size != LINE_HELLO_BYTES)
            assert_int_equal(line_get_hello(&f, &got), ROTA_E_FORMAT);
    }
}

static void a_fate_comes_back_as_it_was_written(void **state)
{
    (void)state;
    static const uint64_t dues[] = {0, 1, UINT64_MAX, UINT64_C(1) << 40};
    for (uint32_t how = 0; how <= ROTA_VANISHED; how++) {
        unsigned char payload[LINE_FATE_BYTES];
        struct line_fate got;
        struct line_fate said = {.rank = how * 0x1000001,
                                 .fate = {(enum rota_how)how, -(int)how},
                                 .due = dues[how % 4]};
        line_put_fate(payload, &said);
        struct line_frame f = {.size = sizeof(payload), .payload = payload};
        assert_int_equal(line_get_fate(&f, &got), 0);
        assert_int_equal(got.rank, said.rank);
        assert_int_equal(got.fate.how, said.fate.how);
        assert_int_equal(got.fate.code, said.fate.code);
        assert_true(got.due == said.due);
        f.size--;
        assert_int_equal(line_get_fate(&f, &got), ROTA_E_FORMAT);
    }
}

static void a_fate_that_there_is_not_is_refused(void **state)
{
    (void)state;
    static const uint32_t no_fates[] = {ROTA_VANISHED + 1, 0x7fffffff, 0x80000000,
                                        0xffffffff};
    for (size_t i = 0; i < sizeof(no_fates) / sizeof(no_fates[0]); i++) {
        unsigned char payload[LINE_FATE_BYTES];
        struct line_fate fate = {.fate.how = (enum rota_how)no_fates[i]};
        struct line_fate got = {.due = 77};
        line_put_fate(payload, &fate);
        struct line_frame f = {.size = sizeof(payload), .payload = payload};
        assert_int_equal(line_get_fate(&f, &got), ROTA_E_FORMAT);
        assert_int_equal(got.due, 77);

        uint64_t counts[RANKS];
        size_t n = 77;
        unsigned char report[8];
        line_put_report(report, fate.fate, NULL, 0);
        f = (struct line_frame){.size = sizeof(report), .payload = report};
        assert_int_equal(line_get_report(&f, RANKS, &got.fate, counts, &n),
                         ROTA_E_FORMAT);
        assert_int_equal(n, 77);
    }
}

static void a_report_comes_back_with_no_counts_or_all(void **state)
{
    (void)state;
    const uint64_t said[RANKS] = {0, 1, UINT64_MAX, 0x0102030405060708, 9};
    const struct rota_fate fate = {ROTA_EXITED, -3};
    unsigned char payload[8 + 8 * RANKS + 8];
    for (size_t n = 0; n <= RANKS; n += RANKS) {
        uint64_t got[RANKS] = {0};
        struct rota_fate how;
        size_t count;
        line_put_report(payload, fate, said, n);
        struct line_frame f = {.size = line_report_bytes(n), .payload = payload};
        assert_int_equal(line_get_report(&f, RANKS, &how, got, &count), 0);
        assert_int_equal(count, n);
        assert_int_equal(how.how, ROTA_EXITED);
        assert_int_equal(how.code, -3);
        assert_memory_equal(got, said, n * sizeof(said[0]));
    }
}

static void a_report_with_a_wrong_number_of_counts_is_refused(void **state)
{
    (void)state;
    unsigned char payload[8 + 8 * (RANKS + 1)] = {0};
    for (size_t size = 0; size <= sizeof(payload); size++) {
        uint64_t counts[RANKS];
        struct rota_fate how;
        size_t count;
        struct line_frame f = {.size = size, .payload = payload};
        bool sound = size == 8 || size == 8 + 8 * RANKS;
        assert_int_equal(line_get_report(&f, RANKS, &how, counts, &count),
                         sound ? 0 : ROTA_E_FORMAT);
    }
}

static void what_has_left_comes_back_as_it_was_written(void **state)
{
    (void)state;
    unsigned char count[LINE_COUNT_BYTES];
    unsigned char left[LINE_LEFT_BYTES];
    uint32_t rank = 0;
    uint64_t frames = 0;
    line_put_count(count, 0x01020304);
    line_put_left(left, 0x0a0b0c0d, UINT64_C(0x1122334455667788));
    struct line_frame asked = {LINE_COUNT, sizeof(count), count};
    struct line_frame told = {LINE_LEFT, sizeof(left), left};
    assert_int_equal(line_get_count(&asked, &rank), 0);
    assert_int_equal(rank, 0x01020304);
    assert_int_equal(line_get_left(&told, &rank, &frames), 0);
    assert_int_equal(rank, 0x0a0b0c0d);
    assert_true(frames == UINT64_C(0x1122334455667788));
    asked.size--;
    told.size--;
    assert_int_equal(line_get_count(&asked, &rank), ROTA_E_FORMAT);
    assert_int_equal(line_get_left(&told, &rank, &frames), ROTA_E_FORMAT);
}

/* ---- proofs ------------------------------------------------------------------ */

struct proof_inputs {
    enum line_role role;
    unsigned char secret[LINE_SECRET_BYTES];
    unsigned char hub_nonce[LINE_NONCE_BYTES];
    struct line_hello hello;
};

static void prove(const struct proof_inputs *in, unsigned char out[LINE_PROOF_BYTES])
{
    memset(out, 0, LINE_PROOF_BYTES);
    line_prove(in->role, in->secret, in->hub_nonce, &in->hello, out);
}

static void a_proof_depends_on_every_bit_of_what_is_proved(void **state)
{
    (void)state;
    struct proof_inputs base = {.role = LINE_ROLE_MEMBER, .hello = some_hello()};
    unsigned char proof[LINE_PROOF_BYTES];
    unsigned char other[LINE_PROOF_BYTES];
    prove(&base, proof);
    prove(&base, other);
    assert_true(line_same(proof, other, sizeof(proof)));

    struct proof_inputs in = base;
    in.role = LINE_ROLE_HUB;
    prove(&in, other);
    assert_false(line_same(proof, other, sizeof(proof)));

    struct {
        unsigned char *at;
        size_t size;
    } parts[] = {
        {in.secret, sizeof(in.secret)},
        {in.hub_nonce, sizeof(in.hub_nonce)},
        {in.hello.nonce, sizeof(in.hello.nonce)},
        {(unsigned char *)&in.hello.rank, sizeof(in.hello.rank)},
        {(unsigned char *)&in.hello.size, sizeof(in.hello.size)},
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        for (size_t bit = 0; bit < parts[i].size * 8; bit++) {
            in = base;
            parts[i].at[bit / 8] ^= (unsigned char)(1 << bit % 8);
            prove(&in, other);
            assert_false(line_same(proof, other, sizeof(proof)));
        }
    }
}

static void a_proof_has_no_say_in_itself(void **state)
{
    (void)state;
    struct proof_inputs in = {.role = LINE_ROLE_MEMBER, .hello = some_hello()};
    unsigned char proof[LINE_PROOF_BYTES];
    unsigned char other[LINE_PROOF_BYTES];
    prove(&in, proof);
    memcpy(in.hello.proof, proof, sizeof(proof));
    prove(&in, other);
    assert_true(line_same(proof, other, sizeof(proof)));
}

static void bytes_are_the_same_only_if_all_are(void **state)
{
    (void)state;
    unsigned char a[32] = {0};
    unsigned char b[32] = {0};
    assert_true(line_same(a, b, sizeof(a)));
    for (size_t i = 0; i < sizeof(a); i++) {
        b[i] = 0x80;
        assert_false(line_same(a, b, sizeof(a)));
        b[i] = 0;
    }
    line_random(a, sizeof(a));
    line_random(b, sizeof(b));
    assert_false(line_same(a, b, sizeof(a)));
}

static void random_bytes_are_never_taken_for_more_than_they_are(void **state)
{
    (void)state;
    srand(7);
    for (int round = 0; round < 100000; round++) {
        unsigned char bytes[64];
        size_t size = 1 + (size_t)rand() % sizeof(bytes);
        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = (unsigned char)rand();
        /* Wrong in most of them, so that the rest of the header is looked at too. */
        if (round % 4 != 0)
            line_put_header(bytes, (enum line_kind)(rand() % (LINE_LAST + 2)),
                            (size_t)rand() % 70);
        struct line_frame f;
        long used = parse_exactly(bytes, size, MOST, &f);
        assert_true(used <= 0 || (size_t)used <= size);
        if (used > 0)
            assert_true(f.size <= MOST && f.size + LINE_HEADER_BYTES == (size_t)used);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_is_taken_only_when_its_last_byte_is_there),
        cmocka_unit_test(the_first_wrong_byte_of_the_magic_is_enough),
        cmocka_unit_test(the_header_is_laid_out_as_documented),
        cmocka_unit_test(a_payload_larger_than_allowed_is_refused_by_its_header),
        cmocka_unit_test(only_the_kinds_that_there_are_are_accepted),
        cmocka_unit_test(a_hello_comes_back_as_it_was_written),
        cmocka_unit_test(a_fate_comes_back_as_it_was_written),
        cmocka_unit_test(a_fate_that_there_is_not_is_refused),
        cmocka_unit_test(a_report_comes_back_with_no_counts_or_all),
        cmocka_unit_test(a_report_with_a_wrong_number_of_counts_is_refused),
        cmocka_unit_test(what_has_left_comes_back_as_it_was_written),
        cmocka_unit_test(a_proof_depends_on_every_bit_of_what_is_proved),
        cmocka_unit_test(a_proof_has_no_say_in_itself),
        cmocka_unit_test(bytes_are_the_same_only_if_all_are),
        cmocka_unit_test(random_bytes_are_never_taken_for_more_than_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
