/* test_ranks.c - farm/ranks and farm/worker, with ranks that this test plays
 *
 * The functions of rota.h are this file's own: a message is put into the one inbox
 * by put(), a rank's fate is a variable, and what is sent is written down.
 */
#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "farm/crew.h"
#include "farm/memo.h"
#include "farm/worker.h"
#include "rota.h"

enum {
    SIZE = 3,
    INBOX = 16,
};

struct rota {
    int rank;
    struct rota_fate fates[SIZE];
    struct rota_message inbox[INBOX];
    int inbox_count;
    struct memo sent[INBOX];
    int sent_to[INBOX];
    int sent_count;
    int silences; /* receives that found nothing */
};

/* --- rota.h --------------------------------------------------------------- */

int rota_rank(const struct rota *r)
{
    return r->rank;
}

int rota_size(const struct rota *r)
{
    (void)r;
    return SIZE;
}

int rota_fate(const struct rota *r, int rank, struct rota_fate *out)
{
    *out = r->fates[rank];
    return 0;
}

int rota_send(struct rota *r, int dest, int tag, const void *data, size_t size_bytes)
{
    assert_int_equal(tag, MEMO_TAG);
    if (r->fates[dest].how != ROTA_ALIVE)
        return ROTA_E_LOST;
    assert_true(r->sent_count < INBOX);
    assert_int_equal(memo_read(data, size_bytes, &r->sent[r->sent_count]), 0);
    r->sent_to[r->sent_count++] = dest;
    return 0;
}

int rota_recv(struct rota *r, int source, int tag, int64_t timeout_ms,
              struct rota_message *out)
{
    assert_int_equal(tag, MEMO_TAG);
    for (int i = 0; i < r->inbox_count; i++) {
        if (source != ROTA_ANY_SOURCE && r->inbox[i].source != source)
            continue;
        *out = r->inbox[i];
        r->inbox_count--;
        memmove(&r->inbox[i], &r->inbox[i + 1],
                (size_t)(r->inbox_count - i) * sizeof(r->inbox[0]));
        return 0;
    }
    r->silences++;
    if (source != ROTA_ANY_SOURCE && r->fates[source].how != ROTA_ALIVE)
        return ROTA_E_LOST;
    (void)timeout_ms;
    return ROTA_E_TIMEOUT;
}

void rota_message_done(struct rota_message *m)
{
    free(m->data);
    m->data = NULL;
}

/* --- what the ranks do ---------------------------------------------------- */

static void put_bytes(struct rota *r, int source, const void *data, size_t size)
{
    void *copy = malloc(size + 1);
    assert_non_null(copy);
    memcpy(copy, data, size);
    assert_true(r->inbox_count < INBOX);
    r->inbox[r->inbox_count++] = (struct rota_message){
        .source = source, .tag = MEMO_TAG, .size_bytes = size, .data = copy};
}

static void put(struct rota *r, int source, const struct memo *l)
{
    struct memo_bytes bytes;
    assert_int_equal(memo_write(l, &bytes), 0);
    put_bytes(r, source, bytes.data, bytes.size);
    free(bytes.data);
}

static void put_hello(struct rota *r, int source)
{
    put(r, source, &(struct memo){.kind = MEMO_HELLO, .slots = 2});
}

static void put_ended(struct rota *r, int source, uint64_t task)
{
    put(r, source,
        &(struct memo){.kind = MEMO_ENDED, .result = {.task = task, .attempt = 1}});
}

static void forget(struct rota *r)
{
    for (int i = 0; i < r->sent_count; i++)
        memo_done(&r->sent[i]);
    for (int i = 0; i < r->inbox_count; i++)
        rota_message_done(&r->inbox[i]);
    r->sent_count = r->inbox_count = 0;
}

static struct crew_event expect(struct crew *c, enum crew_kind kind, int worker)
{
    struct crew_event e;
    assert_int_equal(c->ops->wait(c, 1000, &e, NULL), 0);
    assert_int_equal(e.kind, kind);
    assert_int_equal(e.worker, worker);
    return e;
}

static void expect_silence(struct crew *c)
{
    struct crew_event e;
    assert_int_equal(c->ops->wait(c, 0, &e, NULL), ROTA_E_TIMEOUT);
}

/* --- the crew ------------------------------------------------------------- */

static void ranks_join_work_and_are_sent_home(void **state)
{
    (void)state;
    struct rota r = {0};
    struct crew *c;
    char word[] = "true";
    char *argv[] = {word, NULL};
    assert_int_equal(crew_ranks_open(&r, &c, NULL), 0);
    assert_int_equal(c->workers, SIZE - 1);
    put_hello(&r, 2);
    assert_int_equal(expect(c, CREW_JOINED, 1).slots, 2);
    assert_int_equal(c->ops->start(c, 1, 7, 1, argv, NULL), 0);
    assert_int_equal(r.sent_to[0], 2);
    assert_int_equal(r.sent[0].task, 7);
    assert_string_equal(r.sent[0].argv[0], "true");
    put_ended(&r, 2, 7);
    assert_int_equal(expect(c, CREW_ENDED, 1).result.task, 7);
    expect_silence(c);
    crew_close(c);
    assert_int_equal(r.sent_count, 3);
    assert_int_equal(r.sent[1].kind, MEMO_FINISH);
    assert_int_equal(r.sent[2].kind, MEMO_FINISH);
    forget(&r);
}

static void a_dead_ranks_last_results_count_before_its_loss(void **state)
{
    (void)state;
    struct rota r = {0};
    rota_auto(crew) struct crew *c;
    assert_int_equal(crew_ranks_open(&r, &c, NULL), 0);
    r.fates[1] = (struct rota_fate){.how = ROTA_KILLED, .code = SIGKILL};
    put_hello(&r, 1);
    put_ended(&r, 1, 0);
    put_ended(&r, 1, 1);
    expect(c, CREW_JOINED, 0);
    expect(c, CREW_ENDED, 0);
    expect(c, CREW_ENDED, 0);
    struct crew_event e = expect(c, CREW_LOST, 0);
    assert_string_equal(e.who, "rank 1");
    assert_string_equal(e.reason, "was killed by signal 9 (SIGKILL)");
    expect_silence(c);
    forget(&r);
}

static void a_stopped_rank_is_not_lost(void **state)
{
    (void)state;
    struct rota r = {0};
    rota_auto(crew) struct crew *c;
    assert_int_equal(crew_ranks_open(&r, &c, NULL), 0);
    r.fates[1] = (struct rota_fate){.how = ROTA_STOPPED, .code = SIGSTOP};
    expect_silence(c);
    forget(&r);
}

static void a_send_to_the_dead_is_no_failure_but_a_loss(void **state)
{
    (void)state;
    struct rota r = {0};
    rota_auto(crew) struct crew *c;
    char word[] = "true";
    char *argv[] = {word, NULL};
    assert_int_equal(crew_ranks_open(&r, &c, NULL), 0);
    put_hello(&r, 1);
    expect(c, CREW_JOINED, 0);
    expect_silence(c); /* everyone was looked at: the next look is in a while */
    r.fates[1] = (struct rota_fate){.how = ROTA_VANISHED};
    assert_int_equal(c->ops->start(c, 0, 0, 1, argv, NULL), 0);
    expect(c, CREW_LOST, 0);
    forget(&r);
}

static void who_sends_nonsense_is_lost_and_not_heard_again(void **state)
{
    (void)state;
    struct rota r = {0};
    rota_auto(crew) struct crew *c;
    assert_int_equal(crew_ranks_open(&r, &c, NULL), 0);
    put_bytes(&r, 1, "nonsense", 8);
    put_hello(&r, 1);
    put_ended(&r, 2, 0); /* before its hello */
    put_ended(&r, 0, 0); /* no worker at all */
    struct crew_event e = expect(c, CREW_LOST, 0);
    assert_string_equal(e.reason, "sent a malformed message");
    expect(c, CREW_LOST, 1);
    expect_silence(c);
    forget(&r);
}

static void a_second_hello_is_nonsense(void **state)
{
    (void)state;
    struct rota r = {0};
    rota_auto(crew) struct crew *c;
    assert_int_equal(crew_ranks_open(&r, &c, NULL), 0);
    put_hello(&r, 1);
    put_hello(&r, 1);
    expect(c, CREW_JOINED, 0);
    expect(c, CREW_LOST, 0);
    forget(&r);
}

/* --- the worker ----------------------------------------------------------- */

static bool never(void *ctx)
{
    (void)ctx;
    return false;
}

/* Asked to stop once the worker has sent *ctx memos. */
struct until {
    struct rota *r;
    int sent;
};

static bool enough(void *ctx)
{
    const struct until *u = ctx;
    if (u->r->sent_count >= u->sent && u->r->inbox_count == 0)
        put(u->r, 0, &(struct memo){.kind = MEMO_FINISH});
    return false;
}

static void put_start(struct rota *r, uint64_t task, const char *script)
{
    char sh[] = "sh", c[] = "-c", text[64];
    snprintf(text, sizeof(text), "%s", script);
    char *argv[] = {sh, c, text, NULL};
    put(r, 0,
        &(struct memo){.kind = MEMO_START, .task = task, .attempt = 1, .argv = argv});
}

static void a_worker_runs_what_it_is_sent_until_it_is_sent_home(void **state)
{
    (void)state;
    struct rota r = {.rank = 1};
    struct until u = {.r = &r, .sent = 4};
    struct worker_options options = {.slots = 1, .stop = enough, .ctx = &u};
    put_start(&r, 0, "echo one");
    put_start(&r, 1, "exit 3");
    put_start(&r, 2, "kill -9 $$");
    assert_int_equal(worker_run(&r, &options, NULL), 0);
    assert_int_equal(r.sent[0].kind, MEMO_HELLO);
    assert_int_equal(r.sent[0].slots, 1);
    assert_int_equal(r.sent[1].result.task, 0);
    assert_memory_equal(r.sent[1].result.out.data, "one\n", 4);
    assert_int_equal(r.sent[2].result.code, 3);
    assert_int_equal(r.sent[3].result.how, EXECUTE_KILLED);
    forget(&r);
}

static void a_worker_without_a_manager_ends_and_so_does_its_work(void **state)
{
    (void)state;
    struct rota r = {.rank = 1};
    struct worker_options options = {.slots = 1, .stop = never};
    put_start(&r, 0, "sleep 1000");
    r.fates[0] = (struct rota_fate){.how = ROTA_ALIVE};
    r.fates[0].how = ROTA_EXITED;
    assert_int_equal(worker_run(&r, &options, NULL), ROTA_E_LOST);
    forget(&r);
}

static void a_worker_refuses_nonsense_from_its_manager(void **state)
{
    (void)state;
    struct rota r = {.rank = 1};
    struct worker_options options = {.slots = 1, .stop = never};
    put_hello(&r, 0);
    assert_int_equal(worker_run(&r, &options, NULL), ROTA_E_FORMAT);
    forget(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_join_work_and_are_sent_home),
        cmocka_unit_test(a_dead_ranks_last_results_count_before_its_loss),
        cmocka_unit_test(a_stopped_rank_is_not_lost),
        cmocka_unit_test(a_send_to_the_dead_is_no_failure_but_a_loss),
        cmocka_unit_test(who_sends_nonsense_is_lost_and_not_heard_again),
        cmocka_unit_test(a_second_hello_is_nonsense),
        cmocka_unit_test(a_worker_runs_what_it_is_sent_until_it_is_sent_home),
        cmocka_unit_test(a_worker_without_a_manager_ends_and_so_does_its_work),
        cmocka_unit_test(a_worker_refuses_nonsense_from_its_manager),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
