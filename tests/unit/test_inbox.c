/* test_inbox.c - message/inbox: messages that have come and wait to be received */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "message/inbox.h"
#include "rota.h"

enum {
    SOURCES = 4,
};

static int open_inbox(void **state)
{
    *state = inbox_new(SOURCES);
    return *state == NULL;
}

static int close_inbox(void **state)
{
    inbox_free(*state);
    return 0;
}

/* A letter of `size` bytes still to be filled. */
static struct letter *blank(struct inbox *b, int source, int tag, size_t size)
{
    void *data = letter_data_new(size);
    assert_non_null(data);
    struct letter *l = letter_wrap(b, source, tag, size, data);
    assert_non_null(l);
    return l;
}

/* A letter that holds its own number. */
static struct letter *put(struct inbox *b, int source, int tag, int number)
{
    struct letter *l = blank(b, source, tag, sizeof(number));
    memcpy(l->data, &number, sizeof(number));
    inbox_put(b, l);
    return l;
}

static int number_of(const struct letter *l)
{
    int number;
    memcpy(&number, l->data, sizeof(number));
    return number;
}

/* Take the earliest that fits: its number, or -1. */
static int take(struct inbox *b, int source, int tag)
{
    struct letter *l = inbox_find(b, source, tag);
    if (l == NULL)
        return -1;
    int number = number_of(l);
    inbox_take(b, l);
    letter_free(b, l);
    return number;
}

static void the_earliest_comes_first_over_all_sources(void **state)
{
    struct inbox *b = *state;
    assert_null(inbox_find(b, ROTA_ANY_SOURCE, ROTA_ANY_TAG));
    put(b, 2, 5, 0);
    put(b, 1, 5, 1);
    put(b, 2, 6, 2);
    assert_int_equal(take(b, ROTA_ANY_SOURCE, ROTA_ANY_TAG), 0);
    assert_int_equal(take(b, ROTA_ANY_SOURCE, ROTA_ANY_TAG), 1);
    assert_int_equal(take(b, ROTA_ANY_SOURCE, ROTA_ANY_TAG), 2);
    assert_int_equal(take(b, ROTA_ANY_SOURCE, ROTA_ANY_TAG), -1);
}

static void a_letter_is_found_by_source_and_by_tag(void **state)
{
    struct inbox *b = *state;
    put(b, 2, 5, 0);
    put(b, 1, 5, 1);
    put(b, 1, 6, 2);
    put(b, 2, 6, 3);
    assert_int_equal(take(b, 3, ROTA_ANY_TAG), -1);
    assert_int_equal(take(b, ROTA_ANY_SOURCE, 7), -1);
    assert_int_equal(take(b, 2, 6), 3);
    assert_int_equal(take(b, ROTA_ANY_SOURCE, 6), 2);
    assert_int_equal(take(b, 1, ROTA_ANY_TAG), 1);
    assert_int_equal(take(b, ROTA_ANY_SOURCE, 5), 0);
}

static void a_letter_that_is_found_stays(void **state)
{
    struct inbox *b = *state;
    put(b, 1, 0, 4);
    assert_ptr_equal(inbox_find(b, 1, 0), inbox_find(b, ROTA_ANY_SOURCE, 0));
    assert_int_equal(take(b, 1, 0), 4);
}

static void what_is_taken_from_the_middle_leaves_the_others_in_order(void **state)
{
    struct inbox *b = *state;
    for (int i = 0; i < 9; i++)
        put(b, i % 3, i, i);
    assert_int_equal(take(b, ROTA_ANY_SOURCE, 4), 4);
    assert_int_equal(take(b, ROTA_ANY_SOURCE, 8), 8);
    assert_int_equal(take(b, ROTA_ANY_SOURCE, 0), 0);
    assert_int_equal(take(b, 1, ROTA_ANY_TAG), 1);
    assert_int_equal(take(b, 1, ROTA_ANY_TAG), 7);
    const int rest[] = {2, 3, 5, 6, -1};
    for (size_t i = 0; i < sizeof(rest) / sizeof(rest[0]); i++)
        assert_int_equal(take(b, ROTA_ANY_SOURCE, ROTA_ANY_TAG), rest[i]);
}

static void a_letter_ends_with_a_0_that_is_not_counted(void **state)
{
    struct inbox *b = *state;
    for (size_t size = 0; size < 40; size++) {
        struct letter *l = blank(b, 0, 0, size);
        assert_int_equal(l->size, size);
        assert_int_equal(((char *)l->data)[size], 0);
        memset(l->data, 'x', size + 1); /* a spare one must not show it */
        letter_free(b, l);
    }
    letter_free(b, NULL);
}

static void an_inbox_is_freed_with_the_letters_in_it(void **state)
{
    struct inbox *b = *state;
    struct letter *many[200];
    for (int i = 0; i < 200; i++)
        many[i] = blank(b, 0, i, 100);
    for (int i = 0; i < 200; i++) {
        if (i % 2)
            letter_free(b, many[i]);
        else
            inbox_put(b, many[i]);
    }
    inbox_free(NULL);
}

/* As the slow and simple list of all letters would have it. */
static void any_sequence_gives_what_a_plain_list_gives(void **state)
{
    struct inbox *b = *state;
    enum {
        ROUNDS = 20000
    };
    static struct {
        int source, tag;
        bool there;
    } list[ROUNDS];
    srand(5);
    int put_count = 0;
    for (int round = 0; round < ROUNDS; round++) {
        if (rand() % 100 < 52) {
            list[put_count].source = rand() % SOURCES;
            list[put_count].tag = rand() % 3;
            list[put_count].there = true;
            put(b, list[put_count].source, list[put_count].tag, put_count);
            put_count++;
            continue;
        }
        int source = rand() % (SOURCES + 1) - 1;
        int tag = rand() % 4 - 1;
        int expected = -1;
        for (int i = 0; i < put_count && expected < 0; i++) {
            if (list[i].there && (source < 0 || list[i].source == source) &&
                (tag < 0 || list[i].tag == tag))
                expected = i;
        }
        assert_int_equal(take(b, source, tag), expected);
        if (expected >= 0)
            list[expected].there = false;
    }
}

#define WITH_INBOX(test) cmocka_unit_test_setup_teardown(test, open_inbox, close_inbox)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_INBOX(the_earliest_comes_first_over_all_sources),
        WITH_INBOX(a_letter_is_found_by_source_and_by_tag),
        WITH_INBOX(a_letter_that_is_found_stays),
        WITH_INBOX(what_is_taken_from_the_middle_leaves_the_others_in_order),
        WITH_INBOX(a_letter_ends_with_a_0_that_is_not_counted),
        WITH_INBOX(an_inbox_is_freed_with_the_letters_in_it),
        WITH_INBOX(any_sequence_gives_what_a_plain_list_gives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
