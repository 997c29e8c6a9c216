/* test_spool.c - base/spool: bytes that wait on disk */
#include "unit.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/spool.h"

enum {
    BLOCK = SPOOL_BLOCK_BYTES,
};

static struct spool_file *make(void)
{
    struct spool_file *f;
    assert_int_equal(spool_file_new(&f), 0);
    return f;
}

/* `size` bytes that say where they stand, and in which stream. */
static void put(struct spool_file *f, struct spool *s, size_t size, unsigned seed)
{
    unsigned char *data = malloc(size);
    for (size_t i = 0; i < size; i++)
        data[i] = (unsigned char)((s->size + i) * 31 + seed);
    uint64_t before = s->size;
    assert_int_equal(spool_put(f, s, data, size, NULL), 0);
    assert_int_equal(s->size, before + size);
    free(data);
}

struct check {
    uint64_t at;
    unsigned seed;
};

static int check(void *ctx, const char *data, size_t size, struct rota_error *err)
{
    struct check *c = ctx;
    (void)err;
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)data[i] != (unsigned char)((c->at + i) * 31 + c->seed))
            return ROTA_E_FORMAT;
    c->at += size;
    return 0;
}

static void holds(struct spool_file *f, const struct spool *s, uint64_t from,
                  unsigned seed)
{
    struct check c = {.at = from, .seed = seed};
    struct spool_text text = {.file = f, .kept = s};
    assert_int_equal(spool_text_walk(&text, from, check, &c, NULL), 0);
    assert_int_equal(c.at, s->size);
}

static void streams_grow_side_by_side_and_keep_their_bytes(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 0, BLOCK - 1, BLOCK, 3 * BLOCK + 7, 100};
    struct spool_file *f = make();
    struct spool a = {0}, b = {0};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        put(f, &a, sizes[i], 1);
        put(f, &b, sizes[5 - i], 2);
    }
    holds(f, &a, 0, 1);
    holds(f, &b, 0, 2);
    holds(f, &a, BLOCK + 5, 1);
    spool_drop(f, &a);
    assert_int_equal(a.size, 0);
    put(f, &a, 2 * BLOCK, 3); /* where it stood before */
    holds(f, &a, 0, 3);
    holds(f, &b, 0, 2);
    spool_drop(f, &a);
    spool_drop(f, &b);
    put(f, &b, 10, 4);
    holds(f, &b, 0, 4);
    spool_drop(f, &b);
    spool_file_free(f);
}

static void a_text_is_what_is_kept_and_then_the_rest(void **state)
{
    (void)state;
    struct spool_file *f = make();
    struct spool s = {0};
    char rest[20];
    put(f, &s, 10, 5);
    for (int i = 0; i < 20; i++)
        rest[i] = (char)(unsigned char)((10 + i) * 31 + 5);
    struct spool_text text = {
        .file = f, .kept = &s, .rest = rest, .rest_bytes = sizeof(rest)};
    assert_int_equal(spool_text_size(&text), 30);
    for (uint64_t from = 0; from <= 31; from++) {
        struct check c = {.at = from, .seed = 5};
        assert_int_equal(spool_text_walk(&text, from, check, &c, NULL), 0);
        assert_int_equal(c.at, from < 30 ? 30 : from);
    }
    spool_drop(f, &s);
    spool_file_free(f);
}

static void a_reader_that_fails_is_not_asked_again(void **state)
{
    (void)state;
    struct spool_file *f = make();
    struct spool s = {0};
    put(f, &s, 3 * BLOCK, 5);
    struct check c = {.seed = 6};
    struct spool_text text = {.file = f, .kept = &s};
    assert_int_equal(spool_text_walk(&text, 0, check, &c, NULL), ROTA_E_FORMAT);
    assert_int_equal(c.at, 0);
    spool_drop(f, &s);
    spool_file_free(f);
}

/* A limit on the length of files is a disk that is full. */
static void what_finds_no_room_is_not_there(void **state)
{
    (void)state;
    struct spool_file *f = make();
    struct spool a = {0}, b = {0};
    struct rota_error err;
    static char data[2 * BLOCK];
    struct rlimit before, small = {.rlim_cur = 2 * BLOCK};
    signal(SIGXFSZ, SIG_IGN);
    put(f, &a, BLOCK, 1);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(spool_put(f, &b, data, sizeof(data), &err), ROTA_E_IO);
    assert_non_null(strstr(err.text, "cannot write to a temporary file in '"));
    assert_non_null(strstr(err.text, "TMPDIR"));
    assert_int_equal(b.size, 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    holds(f, &a, 0, 1);
    put(f, &b, 3 * BLOCK, 2);
    holds(f, &b, 0, 2);
    spool_drop(f, &a);
    spool_drop(f, &b);
    spool_file_free(f);
}

static void a_folder_that_is_not_there_is_named(void **state)
{
    (void)state;
    struct spool_file *f = make();
    struct spool s = {0};
    struct rota_error err;
    const char *before = getenv("TMPDIR");
    char *kept = before ? strdup(before) : NULL;
    setenv("TMPDIR", "/no/such/folder", 1);
    assert_int_equal(spool_put(f, &s, "", 0, &err), 0); /* needs none */
    assert_int_equal(spool_put(f, &s, "x", 1, &err), ROTA_E_IO);
    assert_non_null(strstr(err.text, "'/no/such/folder'"));
    if (kept != NULL)
        setenv("TMPDIR", kept, 1);
    else
        unsetenv("TMPDIR");
    free(kept);
    spool_drop(f, &s);
    spool_file_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_grow_side_by_side_and_keep_their_bytes),
        cmocka_unit_test(a_text_is_what_is_kept_and_then_the_rest),
        cmocka_unit_test(a_reader_that_fails_is_not_asked_again),
        cmocka_unit_test(what_finds_no_room_is_not_there),
        cmocka_unit_test(a_folder_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
