/* test_crew.c - farm/crew: commands over a farm, with the other ranks played
 *
 * The link is this file's own: put() lets a rank's message come, a rank's fate is a
 * variable, and what is sent is written down. Whenever the crew waits and nothing is
 * there, the test's own `play` decides what happens next.
 */
#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "execute/commands.h"
#include "farm/crew.h"
#include "farm/hand.h"
#include "farm/wire.h"

enum {
    SIZE = 3,
    INBOX = 64,
    LOG_BYTES = 1024,
};

struct sent {
    int rank;
    struct wire_head head;
};

struct stage {
    struct link link; /* first: a link is one of these */
    struct rota_message inbox[INBOX];
    int inbox_count;
    struct rota_fate fates[SIZE];
    uint32_t news;
    struct sent sent[INBOX];
    int sent_count;
    int answered; /* how many of them were looked at */
    int waits;
    void (*play)(struct stage *s); /* NULL: nothing ever happens */
    bool closed;
    /* what the hooks do: */
    int commands; /* that next() gives, */
    int given;
    int none_yet;  /* but so many times it has none */
    int fail_next; /* what it returns in the end */
    int fail_ended;
    int stop_after;    /* waits; 0: never */
    int run_out_after; /* so too */
    uint64_t enough;   /* ends, for nothing more to be begun; 0: no number is */
    const struct rota_farm *farm;
    bool in_order;
    bool keep;
    bool shown; /* parts are, as they come */
    int retries;
    int numbers; /* the first command's; the next ones are each 10 more */
    char log[LOG_BYTES];
    char told[LOG_BYTES]; /* what the command that ended last wrote, */
    char said[LOG_BYTES]; /* and what was shown of any before its end */
    char why[LOG_BYTES];  /* its output could not be kept */
};

/* ---- the link ---------------------------------------------------------------- */

static int play_post(struct link *l, int rank, int tag, void *data, size_t size)
{
    struct stage *s = (struct stage *)l;
    (void)tag;
    assert_true(s->sent_count < INBOX);
    s->sent[s->sent_count].rank = rank;
    assert_int_equal(wire_read(data, size, &s->sent[s->sent_count].head), 0);
    s->sent_count++;
    free(data);
    return 0;
}

static int play_send(struct link *l, int rank, int tag, const void *data, size_t size)
{
    struct stage *s = (struct stage *)l;
    if (s->fates[rank].how != ROTA_ALIVE)
        return ROTA_E_LOST;
    char *copy = malloc(size);
    memcpy(copy, data, size);
    return play_post(l, rank, tag, copy, size);
}

static bool take(struct stage *s, int source, struct rota_message *out)
{
    for (int i = 0; i < s->inbox_count; i++) {
        if (source != ROTA_ANY_SOURCE && s->inbox[i].source != source)
            continue;
        *out = s->inbox[i];
        s->inbox_count--;
        memmove(&s->inbox[i], &s->inbox[i + 1],
                (size_t)(s->inbox_count - i) * sizeof(s->inbox[0]));
        return true;
    }
    return false;
}

static int play_receive(struct link *l, int source, int tag, int64_t deadline_ns,
                        uint32_t news, struct rota_message *out)
{
    struct stage *s = (struct stage *)l;
    (void)tag;
    (void)news;
    if (take(s, source, out))
        return 0;
    if (source != ROTA_ANY_SOURCE && s->fates[source].how >= ROTA_CLOSED)
        return ROTA_E_LOST;
    if (deadline_ns == 0)
        return ROTA_E_TIMEOUT;
    assert_true(++s->waits < 10 * 1000 * 1000); /* it may look for 0.1 s */
    if (s->play != NULL)
        s->play(s);
    return ROTA_E_TIMEOUT;
}

static void play_done(struct rota_message *m)
{
    free(m->data);
    m->data = NULL;
}

static uint32_t play_news(const struct link *l)
{
    return ((const struct stage *)l)->news;
}

static struct rota_fate play_fate(const struct link *l, int rank)
{
    return ((const struct stage *)l)->fates[rank];
}

static void play_close(struct link *l)
{
    struct stage *s = (struct stage *)l;
    for (int i = 0; i < s->inbox_count; i++)
        play_done(&s->inbox[i]);
    s->closed = true;
}

static const struct link_ops play_ops = {
    .send = play_send,
    .post = play_post,
    .receive = play_receive,
    .done = play_done,
    .news = play_news,
    .fate = play_fate,
    .close = play_close,
};

/* ---- what the ranks do ------------------------------------------------------- */

static void put(struct stage *s, int source, struct wire_head head, const void *more,
                size_t size)
{
    char *data = calloc(1, WIRE_HEAD_BYTES + size + 1);
    wire_write((unsigned char *)data, &head);
    if (size > 0)
        memcpy(data + WIRE_HEAD_BYTES, more, size);
    assert_true(s->inbox_count < INBOX);
    s->inbox[s->inbox_count++] = (struct rota_message){
        .source = source, .size_bytes = WIRE_HEAD_BYTES + size, .data = data};
}

static void hello(struct stage *s, int rank)
{
    static const struct rota_function command = {.name = "command"};
    struct wire_head h = {
        .kind = WIRE_HELLO, .count = 1, .lease = hand_fingerprint(&command, 1)};
    put(s, rank, h, "node", 4);
}

static void go(struct stage *s, int rank, enum rota_how how, int code)
{
    s->fates[rank] = (struct rota_fate){how, code};
    s->news++;
}

/* Report that the commands of a message ended with `status`. */
static void answer(struct stage *s, const struct sent *m, int status)
{
    unsigned char value[16] = {0}, record[64];
    parcel_put32(value, EXECUTE_EXITED);
    parcel_put32(value + 4, (uint32_t)status);
    for (uint32_t i = 0; i < m->head.count; i++) {
        struct parcel_result r = {.data = value,
                                  .size = sizeof(value),
                                  .outcome = status ? ROTA_FAILED : ROTA_DONE,
                                  .code = status,
                                  .took_ns = 1000};
        struct wire_head h = {.kind = WIRE_RESULTS,
                              .count = 1,
                              .lease = m->head.lease,
                              .first = m->head.first + i,
                              .more = 1000};
        parcel_write_result(record, &r);
        put(s, m->rank, h, record, parcel_result_bytes(&r));
    }
}

/* Answer all that was sent to ranks that are there. */
static void answer_all(struct stage *s, int status)
{
    for (; s->answered < s->sent_count; s->answered++) {
        const struct sent *m = &s->sent[s->answered];
        if (m->head.kind == WIRE_TASKS && s->fates[m->rank].how == ROTA_ALIVE)
            answer(s, m, status);
    }
}

/* ---- the hooks --------------------------------------------------------------- */

static void note(struct stage *s, const char *what, int a, int b)
{
    size_t used = strlen(s->log);
    snprintf(s->log + used, sizeof(s->log) - used, "%s%s%d:%d", used ? " " : "", what,
             a, b);
}

static int next_command(void *ctx, struct commands_spec *out, struct rota_error *err)
{
    static char sh[] = "sh", c[] = "-c", script[] = "echo $$";
    struct stage *s = ctx;
    if (s->none_yet-- > 0)
        return ROTA_E_TIMEOUT;
    if (s->given == s->commands && s->fail_next != 0) {
        err->code = s->fail_next;
        return s->fail_next;
    }
    if (s->given == s->commands)
        return ROTA_E_NOTFOUND;
    if (s->numbers > 0)
        out->number = (uint64_t)(s->numbers + 10 * s->given);
    s->given++;
    out->argv = calloc(4, sizeof(char *));
    memcpy(out->argv, (char *[]){sh, c, script}, 3 * sizeof(char *));
    return 0;
}

static int add_text(void *ctx, const char *data, size_t size, struct rota_error *err)
{
    (void)err;
    strncat(ctx, data, size);
    return 0;
}

static void read_text(const struct spool_text *text, char *to)
{
    assert_int_equal(spool_text_walk(text, 0, add_text, to, NULL), 0);
}

static int note_said(void *ctx, const struct crew_part *part, struct rota_error *err)
{
    struct stage *s = ctx;
    (void)err;
    read_text(&part->out, s->said);
    strcat(s->said, ";");
    return 0;
}

static void note_spilt(void *ctx, uint64_t task, const char *why)
{
    struct stage *s = ctx;
    note(s, "spilt", (int)task, 0);
    snprintf(s->why, sizeof(s->why), "%s", why);
}

static int note_ended(void *ctx, const struct crew_end *end, struct rota_error *err)
{
    struct stage *s = ctx;
    (void)err;
    s->told[0] = '\0';
    read_text(&end->out, s->told);
    strcat(s->told, "|");
    read_text(&end->err, s->told);
    if (end->why != NULL)
        assert_int_equal(end->result->how, EXECUTE_OVERFLOWED);
    bool tried = end->outcome == ROTA_DONE || end->outcome == ROTA_FAILED;
    assert_int_equal(end->result != NULL, tried);
    assert_int_equal(end->argv == NULL, end->outcome == ROTA_DONE);
    if (end->argv != NULL)
        assert_string_equal(end->argv[2], "echo $$");
    if (tried)
        note(s, "end", (int)end->task, end->result->code);
    return s->fail_ended;
}

static void note_lost(void *ctx, int rank, const struct rota_fate *fate,
                      const char *strange, uint64_t again)
{
    assert_true((fate == NULL) == (strange != NULL));
    note(ctx, fate != NULL ? "lost" : "strange", rank, (int)again);
}

static void note_came(void *ctx, int rank, int slots, const char *host)
{
    assert_string_equal(host, "node");
    note(ctx, "came", rank, slots);
}

static void note_tried(void *ctx, const struct crew_end *end)
{
    assert_int_equal(end->outcome, ROTA_FAILED);
    assert_null(end->argv);
    note(ctx, "tried", (int)end->task, end->attempts);
}
static const struct crew_manner plain = {.in_order = false};

static bool is_enough(void *ctx)
{
    const struct stage *s = ctx;
    return s->stop_after > 0 && s->waits >= s->stop_after;
}

static enum crew_course course_of(void *ctx)
{
    const struct stage *s = ctx;
    if (is_enough(ctx))
        return CREW_STOP;
    return s->run_out_after > 0 && s->waits >= s->run_out_after ? CREW_RUN_OUT
                                                                : CREW_GO_ON;
}

static bool have_enough(void *ctx)
{
    const struct stage *s = ctx;
    struct crew_state now;
    crew_look(s->farm, &now);
    return s->enough > 0 && now.succeeded + now.failed >= s->enough;
}

static int manage(struct stage *s, struct crew_summary *out, struct rota_error *err)
{
    struct crew_hooks hooks = {.ctx = s,
                               .retries = s->retries,
                               .next = next_command,
                               .ended = note_ended,
                               .lost = note_lost,
                               .said = s->shown ? note_said : NULL,
                               .keep = s->keep,
                               .spilt = note_spilt,
                               .came = s->numbers > 0 ? note_came : NULL,
                               .tried = s->numbers > 0 ? note_tried : NULL,
                               .enough = have_enough,
                               .steer = course_of};
    struct crew_manner manner = {.prompt = s->enough > 0, .in_order = s->in_order};
    struct execute_options options = {.slots = 1};
    struct rota_farm *farm;
    s->link = (struct link){.ops = &play_ops, .rank = 0, .size = SIZE};
    assert_int_equal(crew_open(&s->link, &options, &manner, &farm, err), 0);
    s->farm = farm;
    int rc = crew_manage(farm, &hooks, out, err);
    rota_farm_close(farm);
    assert_true(s->closed);
    return rc;
}

/* ---- managing ---------------------------------------------------------------- */

static void both_come_and_do_all(struct stage *s)
{
    if (s->waits == 1) {
        hello(s, 1);
        hello(s, 2);
    }
    answer_all(s, 0);
}

static void all_commands_end_and_the_run_with_them(void **state)
{
    (void)state;
    struct stage s = {.commands = 20, .play = both_come_and_do_all};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_true(sum.complete);
    assert_false(sum.stopped);
    assert_int_equal(sum.stats.ended[ROTA_DONE], 20);
    assert_int_equal(sum.stats.lost, 0);
    assert_int_equal(s.sent[s.sent_count - 1].head.kind, WIRE_FINISH);
    assert_int_equal(s.sent[s.sent_count - 2].head.kind, WIRE_FINISH);
}

static void one_comes_and_fails_at_all(struct stage *s)
{
    if (s->waits == 1)
        hello(s, 1);
    answer_all(s, 5);
}

/* The numbers are what the caller makes of them: those of what is left of a list, say.
 */
static void commands_keep_the_numbers_that_they_are_given(void **state)
{
    (void)state;
    struct stage s = {.commands = 2, .numbers = 7, .play = one_comes_and_fails_at_all};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_true(sum.complete);
    assert_string_equal(s.log, "came1:1 end6:5 end16:5");
}

static void a_try_that_is_not_the_last_is_told_too(void **state)
{
    (void)state;
    struct stage s = {.commands = 2,
                      .numbers = 7,
                      .retries = 1,
                      .stop_after = 10,
                      .play = one_comes_and_fails_at_all};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_true(sum.stopped);
    assert_string_equal(s.log, "came1:1 tried6:1 tried16:1");
}

static void nothing_to_do_ends_at_once(void **state)
{
    (void)state;
    struct stage s = {.commands = 0};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_true(sum.complete);
    assert_int_equal(s.waits, 0);
}

static void one_comes_and_fails(struct stage *s)
{
    if (s->waits == 1)
        hello(s, 1);
    answer_all(s, 7);
}

static void a_failure_is_told_with_its_command(void **state)
{
    (void)state;
    struct stage s = {.commands = 2, .play = one_comes_and_fails};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_string_equal(s.log, "end0:7 end1:7");
    assert_true(sum.complete);
    assert_int_equal(sum.stats.ended[ROTA_FAILED], 2);
}

static void one_comes_and_goes_and_then_another(struct stage *s)
{
    if (s->waits == 1)
        hello(s, 1);
    if (s->waits == 3)
        go(s, 1, ROTA_KILLED, SIGKILL);
    if (s->waits == 5)
        hello(s, 2);
    answer_all(s, 0);
}

static void a_lost_workers_command_runs_elsewhere(void **state)
{
    (void)state;
    struct stage s = {.commands = 1, .play = one_comes_and_goes_and_then_another};
    struct crew_summary sum;
    struct rota_error err;
    s.answered = 1; /* the first one is never answered */
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_string_equal(s.log, "lost1:1 end0:0");
    assert_true(sum.complete);
    assert_int_equal(sum.stats.again, 1);
    assert_int_equal(sum.stats.lost, 1);
}

/* ---- what is said before the end ---------------------------------------------- */

/* The rank that got message `m` says these of its first command. */
static void say(struct stage *s, const struct sent *m, enum execute_how how,
                const char *out, const char *errors)
{
    unsigned char value[64] = {0};
    size_t out_size = strlen(out);
    size_t size = 16 + out_size + strlen(errors);
    parcel_put32(value, how);
    parcel_put64(value + 8, out_size);
    memcpy(value + 16, out, out_size);
    memcpy(value + 16 + out_size, errors, strlen(errors));
    struct wire_head h = {
        .kind = WIRE_PART, .count = 1, .lease = m->head.lease, .first = m->head.first};
    put(s, m->rank, h, value, size);
}

static void one_says_much(struct stage *s)
{
    if (s->waits == 1)
        hello(s, 1);
    if (s->waits == 2) {
        struct sent stranger = s->sent[0];
        stranger.head.lease += 1000;
        say(s, &stranger, EXECUTE_RUNNING, "no", "no");
        say(s, &s->sent[0], EXECUTE_RUNNING, "ab", "x");
        say(s, &s->sent[0], EXECUTE_RUNNING, "", "y");
        say(s, &s->sent[0], EXECUTE_RUNNING, "c", "");
    }
    if (s->waits > 3)
        answer_all(s, 0);
}

static void what_was_said_before_the_end_is_told_with_it(void **state)
{
    (void)state;
    struct stage s = {.commands = 1, .keep = true, .play = one_says_much};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_string_equal(s.log, "end0:0");
    assert_string_equal(s.told, "abc|xy");
}

static void what_is_said_can_be_shown_and_not_kept(void **state)
{
    (void)state;
    struct stage s = {.commands = 1, .shown = true, .play = one_says_much};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_string_equal(s.said, "ab;;c;");
    assert_string_equal(s.told, "|");
}

static void what_is_shown_and_kept_is_shown_from_the_begin(void **state)
{
    (void)state;
    struct stage s = {
        .commands = 1, .shown = true, .keep = true, .play = one_says_much};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_string_equal(s.said, "ab;ab;abc;");
    assert_string_equal(s.told, "abc|xy");
}

static void one_says_much_and_goes(struct stage *s)
{
    if (s->waits == 1)
        hello(s, 1);
    if (s->waits == 2)
        say(s, &s->sent[0], EXECUTE_RUNNING, "lost", "lost");
    if (s->waits == 3)
        go(s, 1, ROTA_KILLED, SIGKILL);
    if (s->waits == 5)
        hello(s, 2);
    if (s->waits == 6)
        say(s, &s->sent[1], EXECUTE_RUNNING, "again", "");
    if (s->waits > 6)
        answer_all(s, 0);
}

static void what_a_lost_worker_said_counts_no_more(void **state)
{
    (void)state;
    struct stage s = {.commands = 1, .keep = true, .play = one_says_much_and_goes};
    struct crew_summary sum;
    struct rota_error err;
    s.answered = 1;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_string_equal(s.log, "lost1:1 end0:0");
    assert_string_equal(s.told, "again|");
}

static void what_cannot_be_kept_has_failed_and_is_ended(void **state)
{
    (void)state;
    struct stage s = {.commands = 1, .keep = true, .play = one_says_much};
    struct crew_summary sum;
    struct rota_error err;
    const char *before = getenv("TMPDIR");
    char *kept = before ? strdup(before) : NULL;
    setenv("TMPDIR", "/no/such/folder", 1);
    assert_int_equal(manage(&s, &sum, &err), 0);
    if (kept != NULL)
        setenv("TMPDIR", kept, 1);
    else
        unsetenv("TMPDIR");
    free(kept);
    assert_string_equal(s.log, "spilt0:0 end0:0");
    assert_non_null(strstr(s.why, "'/no/such/folder'"));
    assert_string_equal(s.told, "|");
    assert_int_equal(s.sent[1].head.kind, WIRE_END);
    assert_int_equal(s.sent[1].head.lease, s.sent[0].head.lease);
    assert_int_equal(sum.stats.ended[ROTA_DONE], 0);
    assert_int_equal(sum.stats.ended[ROTA_FAILED], 1);
    assert_true(sum.complete);
}

static void one_says_what_makes_no_sense(struct stage *s)
{
    if (s->waits == 1) {
        hello(s, 1);
        hello(s, 2);
    }
    if (s->waits == 2)
        say(s, &s->sent[0], EXECUTE_EXITED, "done", "");
    if (s->waits > 2)
        answer_all(s, 0);
}

static void a_part_that_makes_no_sense_costs_its_worker(void **state)
{
    (void)state;
    struct stage s = {
        .commands = 1, .keep = true, .play = one_says_what_makes_no_sense};
    struct crew_summary sum;
    struct rota_error err;
    s.answered = 1;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_non_null(strstr(s.log, "strange"));
    assert_non_null(strstr(s.log, "end0:0"));
    assert_true(sum.complete);
}

static void one_talks_nonsense(struct stage *s)
{
    if (s->waits == 1) {
        hello(s, 2);
        hello(s, 2);
        hello(s, 1);
    }
    answer_all(s, 0);
}

static void who_sends_nonsense_is_lost_and_not_heard_again(void **state)
{
    (void)state;
    struct stage s = {.commands = 3, .play = one_talks_nonsense};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_non_null(strstr(s.log, "strange2:0"));
    assert_int_equal(sum.stats.lost, 1);
    assert_true(sum.complete);
}

static void a_value_without_sense(struct stage *s)
{
    if (s->waits == 1)
        hello(s, 1);
    if (s->waits != 2)
        return;
    struct parcel_result r = {.took_ns = 1};
    unsigned char record[64];
    struct wire_head h = s->sent[0].head;
    parcel_write_result(record, &r);
    h.kind = WIRE_RESULTS;
    h.count = 1;
    put(s, 1, h, record, parcel_result_bytes(&r));
}

static void a_result_that_makes_no_sense_ends_the_run(void **state)
{
    (void)state;
    struct stage s = {.commands = 1, .play = a_value_without_sense};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), ROTA_E_FORMAT);
    assert_non_null(strstr(err.text, "cannot read the result of task 1 from rank 1"));
    assert_false(sum.complete);
}

static void both_go(struct stage *s)
{
    if (s->waits == 1)
        hello(s, 1);
    if (s->waits == 2)
        go(s, 2, ROTA_EXITED, 1);
    if (s->waits == 3)
        go(s, 1, ROTA_VANISHED, 0);
}

static void with_nobody_left_the_run_ends_and_takes_no_more(void **state)
{
    (void)state;
    struct stage s = {.commands = 100000, .play = both_go};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_false(sum.complete);
    assert_string_equal(s.log, "lost2:0 lost1:1");
    assert_int_equal(sum.stats.ended[ROTA_UNTRIED], sum.stats.submitted);
    assert_true(s.given < 5000);
}

static void commands_that_come_late_are_waited_for(void **state)
{
    (void)state;
    struct stage s = {.commands = 1, .none_yet = 5, .play = both_come_and_do_all};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_string_equal(s.log, "end0:0");
    assert_true(sum.complete);
}

static void one_comes_and_both_go(struct stage *s)
{
    if (s->waits == 1)
        hello(s, 1);
    if (s->waits == 10) { /* for they were asked to stop, too */
        go(s, 1, ROTA_CLOSED, 0);
        go(s, 2, ROTA_CLOSED, 0);
    }
}

static void who_goes_when_all_were_asked_to_stop_is_not_lost(void **state)
{
    (void)state;
    struct stage s = {.commands = 5, .stop_after = 10, .play = one_comes_and_both_go};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_true(sum.stopped);
    assert_false(sum.complete);
    assert_string_equal(s.log, "");
    assert_int_equal(sum.stats.lost, 0);
    assert_int_equal(sum.stats.submitted, 5);
}

/* Where the n-th message (from 0) of this kind to `rank` stands, or -1. */
static int find_sent(const struct stage *s, int rank, enum wire_kind kind, int nth)
{
    for (int i = 0; i < s->sent_count; i++)
        if (s->sent[i].rank == rank && s->sent[i].head.kind == kind && nth-- == 0)
            return i;
    return -1;
}

static const struct sent *sent_to(const struct stage *s, int rank, enum wire_kind kind,
                                  int nth)
{
    int i = find_sent(s, rank, kind, nth);
    assert_in_range(i, 0, INBOX - 1);
    return &s->sent[i];
}

/* Two tasks at each worker. When they are wanted back, the second one is given back;
 * then the first one of rank 2 ends, and that of rank 1. */
static void they_are_asked_back(struct stage *s)
{
    if (s->waits == 1) {
        hello(s, 1);
        hello(s, 2);
    }
    for (int rank = 1; rank <= 2 && s->waits == 6; rank++) {
        struct wire_head back = sent_to(s, rank, WIRE_TASKS, 1)->head;
        assert_int_equal(sent_to(s, rank, WIRE_RECALL, 1)->head.lease, back.lease);
        back.kind = WIRE_RETURNED;
        back.more = 0;
        put(s, rank, back, NULL, 0);
    }
    if (s->waits == 7)
        answer(s, sent_to(s, 2, WIRE_TASKS, 0), 5);
    if (s->waits == 9)
        answer(s, sent_to(s, 1, WIRE_TASKS, 0), 0);
}

static void a_run_that_runs_out_tells_what_ended_and_begins_no_more(void **state)
{
    (void)state;
    for (int in_order = 0; in_order < 2; in_order++) {
        struct stage s = {.commands = 20,
                          .run_out_after = 4,
                          .in_order = in_order == 1,
                          .play = they_are_asked_back};
        struct crew_summary sum;
        struct rota_error err;
        assert_int_equal(manage(&s, &sum, &err), 0);
        assert_true(sum.stopped);
        assert_false(sum.complete);
        assert_string_equal(s.log, in_order ? "end0:0 end1:5" : "end1:5 end0:0");
        assert_int_equal(sum.stats.submitted, 20);
        assert_int_equal(find_sent(&s, 1, WIRE_TASKS, 2), -1);
        assert_int_equal(find_sent(&s, 2, WIRE_TASKS, 2), -1);
    }
}

/* Rank 2's task ends, which waits for that of rank 1 to be told; that one is lost. */
static void one_ends_and_one_is_lost(struct stage *s)
{
    if (s->waits == 1)
        hello(s, 1);
    if (s->waits == 2)
        hello(s, 2);
    if (s->waits == 3)
        answer(s, sent_to(s, 2, WIRE_TASKS, 0), 0);
    if (s->waits == 5)
        go(s, 1, ROTA_KILLED, 9);
}

static void in_order_what_ended_is_told_past_what_did_not(void **state)
{
    (void)state;
    struct stage s = {.commands = 2,
                      .run_out_after = 4,
                      .in_order = true,
                      .play = one_ends_and_one_is_lost};
    struct crew_summary sum;
    struct rota_error err;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_false(sum.complete);
    assert_string_equal(s.log, "lost1:1 end1:0");
}

static void when_it_is_enough_the_next_is_not_begun(void **state)
{
    (void)state;
    struct stage s = {.commands = 20, .enough = 5, .play = both_come_and_do_all};
    struct crew_summary sum;
    struct rota_error err;
    s.run_out_after = 10;
    assert_int_equal(manage(&s, &sum, &err), 0);
    assert_true(sum.stopped);
    int lent = 0;
    for (int i = 0; i < s.sent_count; i++) {
        assert_int_not_equal(s.sent[i].head.kind, WIRE_RECALL); /* none waited */
        lent += s.sent[i].head.kind == WIRE_TASKS;
    }
    assert_in_range(lent, 5, 6); /* two at a time: one more may have been under way */
    assert_int_equal(sum.stats.ended[ROTA_DONE], lent);
}

static void what_a_hook_fails_with_ends_the_run(void **state)
{
    (void)state;
    struct crew_summary sum;
    struct rota_error err = {0};
    struct stage s = {.commands = 5, .fail_ended = -99, .play = both_come_and_do_all};
    assert_int_equal(manage(&s, &sum, &err), -99);
    assert_false(sum.complete);
    struct stage t = {
        .commands = 5, .fail_next = ROTA_E_IO, .play = both_come_and_do_all};
    assert_int_equal(manage(&t, &sum, &err), ROTA_E_IO);
    assert_int_equal(err.code, ROTA_E_IO);
    assert_false(sum.complete);
}

/* The real thing, without anybody else. */
static void one_alone_does_all_by_itself(void **state)
{
    (void)state;
    struct stage s = {.commands = 50, .none_yet = 2};
    struct crew_hooks hooks = {.ctx = &s,
                               .next = next_command,
                               .ended = note_ended,
                               .lost = note_lost,
                               .steer = course_of};
    struct crew_summary sum;
    struct execute_options options = {.slots = 3};
    struct link *link;
    struct rota_farm *farm;
    assert_int_equal(link_alone_open(&link), 0);
    assert_int_equal(crew_open(link, &options, &plain, &farm, NULL), 0);
    assert_int_equal(crew_manage(farm, &hooks, &sum, NULL), 0);
    assert_true(sum.complete);
    assert_int_equal(sum.stats.ended[ROTA_DONE], 50);
    rota_farm_close(farm);
    options.slots = 0;
    assert_int_equal(link_alone_open(&link), 0);
    assert_int_equal(crew_open(link, &options, &plain, &farm, NULL), ROTA_E_ARG);
}

/* ---- working ----------------------------------------------------------------- */

/* The manager sends a batch of scripts. */
static void lend(struct stage *s, uint64_t lease, uint64_t first, char *const *scripts)
{
    static char sh[] = "sh", c[] = "-c";
    struct task_bytes records = {0}, words = {0};
    uint32_t count = 0;
    for (; scripts[count] != NULL; count++) {
        struct commands_spec spec = {.argv = (char *[]){sh, c, scripts[count], NULL}};
        assert_int_equal(commands_pack(&spec, &words), 0);
        struct parcel_task t = {.data = words.data, .size = words.size};
        assert_int_equal(task_bytes_reserve(&records, parcel_task_bytes(&t)), 0);
        parcel_write_task(records.data + records.size, &t);
        records.size += parcel_task_bytes(&t);
    }
    struct wire_head h = {
        .kind = WIRE_TASKS, .count = count, .lease = lease, .first = first, .more = 1};
    put(s, 0, h, records.data, records.size);
    free(records.data);
    free(words.data);
}

#define SCRIPTS(...) ((char *[]){__VA_ARGS__, NULL})

static int work(struct stage *s, struct rota_error *err)
{
    struct execute_options options = {.slots = 1};
    struct rota_farm *farm;
    s->link = (struct link){.ops = &play_ops, .rank = 1, .size = SIZE};
    assert_int_equal(crew_open(&s->link, &options, &plain, &farm, err), 0);
    int rc = crew_work(farm, is_enough, s, err);
    rota_farm_close(farm);
    assert_true(s->closed);
    return rc;
}

static void send_home(struct stage *s)
{
    put(s, 0, (struct wire_head){.kind = WIRE_FINISH}, NULL, 0);
}

static void a_worker_runs_what_it_is_sent_until_it_is_sent_home(void **state)
{
    (void)state;
    struct rota_error err;
    char fine[] = "true", bad[] = "exit 3";
    struct stage s = {.play = send_home};
    lend(&s, 4, 10, SCRIPTS(fine, bad));
    assert_int_equal(work(&s, &err), 0);
    assert_int_equal(s.sent_count, 3);
    assert_int_equal(s.sent[0].head.kind, WIRE_HELLO);
    assert_int_equal(s.sent[0].head.count, 1);
    for (int i = 1; i < 3; i++) {
        assert_int_equal(s.sent[i].head.kind, WIRE_RESULTS);
        assert_int_equal(s.sent[i].head.lease, 4);
        assert_int_equal(s.sent[i].head.first, 9 + i);
    }
}

static void a_worker_gives_back_what_it_has_not_begun(void **state)
{
    (void)state;
    struct rota_error err;
    char brief[] = "sleep 0.1", never[] = "exit 9";
    struct stage s = {.play = send_home};
    lend(&s, 4, 10, SCRIPTS(brief, never, never));
    put(&s, 0,
        (struct wire_head){.kind = WIRE_RECALL, .count = 3, .lease = 4, .first = 10},
        NULL, 0);
    assert_int_equal(work(&s, &err), 0);
    assert_int_equal(s.sent_count, 3);
    assert_int_equal(s.sent[1].head.kind, WIRE_RETURNED);
    assert_int_equal(s.sent[1].head.first, 11);
    assert_int_equal(s.sent[1].head.count, 2);
    assert_int_equal(s.sent[2].head.kind, WIRE_RESULTS);
    assert_int_equal(s.sent[2].head.first, 10);
}

static void a_worker_without_a_manager_ends_and_so_does_its_work(void **state)
{
    (void)state;
    struct rota_error err;
    char forever[] = "sleep 1000";
    struct stage s = {0};
    lend(&s, 4, 10, SCRIPTS(forever));
    go(&s, 0, ROTA_ALIVE, 0);
    struct execute_options options = {.slots = 1};
    struct rota_farm *farm;
    s.link = (struct link){.ops = &play_ops, .rank = 1, .size = SIZE};
    assert_int_equal(crew_open(&s.link, &options, &plain, &farm, &err), 0);
    go(&s, 0, ROTA_KILLED, SIGKILL);
    assert_int_equal(crew_work(farm, is_enough, &s, &err), ROTA_E_LOST);
    rota_farm_close(farm);
}

static void a_worker_refuses_nonsense_from_its_manager(void **state)
{
    (void)state;
    struct rota_error err;
    struct stage s = {0};
    hello(&s, 0);
    assert_int_equal(work(&s, &err), ROTA_E_FORMAT);
    assert_string_equal(err.text, "rank 1 cannot go on working: malformed bytes from a "
                                  "peer");
}

static void asked_to_stop_a_worker_ends_its_work_and_awaits_the_farewell(void **state)
{
    (void)state;
    struct rota_error err;
    char forever[] = "sleep 1000";
    struct stage s = {.stop_after = 1, .waits = 1, .play = send_home};
    lend(&s, 4, 10, SCRIPTS(forever));
    int64_t began_ns = clock_now_ns();
    assert_int_equal(work(&s, &err), 0);
    assert_int_equal(s.sent_count, 1); /* its hello */
    assert_int_equal(s.waits, 2);
    assert_true(clock_now_ns() - began_ns < 100 * NS_PER_SEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_commands_end_and_the_run_with_them),
        cmocka_unit_test(commands_keep_the_numbers_that_they_are_given),
        cmocka_unit_test(a_try_that_is_not_the_last_is_told_too),
        cmocka_unit_test(nothing_to_do_ends_at_once),
        cmocka_unit_test(a_failure_is_told_with_its_command),
        cmocka_unit_test(a_lost_workers_command_runs_elsewhere),
        cmocka_unit_test(what_was_said_before_the_end_is_told_with_it),
        cmocka_unit_test(what_is_said_can_be_shown_and_not_kept),
        cmocka_unit_test(what_is_shown_and_kept_is_shown_from_the_begin),
        cmocka_unit_test(what_a_lost_worker_said_counts_no_more),
        cmocka_unit_test(what_cannot_be_kept_has_failed_and_is_ended),
        cmocka_unit_test(a_part_that_makes_no_sense_costs_its_worker),
        cmocka_unit_test(who_sends_nonsense_is_lost_and_not_heard_again),
        cmocka_unit_test(a_result_that_makes_no_sense_ends_the_run),
        cmocka_unit_test(with_nobody_left_the_run_ends_and_takes_no_more),
        cmocka_unit_test(commands_that_come_late_are_waited_for),
        cmocka_unit_test(who_goes_when_all_were_asked_to_stop_is_not_lost),
        cmocka_unit_test(a_run_that_runs_out_tells_what_ended_and_begins_no_more),
        cmocka_unit_test(in_order_what_ended_is_told_past_what_did_not),
        cmocka_unit_test(when_it_is_enough_the_next_is_not_begun),
        cmocka_unit_test(what_a_hook_fails_with_ends_the_run),
        cmocka_unit_test(one_alone_does_all_by_itself),
        cmocka_unit_test(a_worker_runs_what_it_is_sent_until_it_is_sent_home),
        cmocka_unit_test(a_worker_gives_back_what_it_has_not_begun),
        cmocka_unit_test(a_worker_without_a_manager_ends_and_so_does_its_work),
        cmocka_unit_test(a_worker_refuses_nonsense_from_its_manager),
        cmocka_unit_test(asked_to_stop_a_worker_ends_its_work_and_awaits_the_farewell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
