/* crew_stage.h - a crew on a stage, for what tests it: the other ranks are played
 *
 * The link is ours: put() lets a rank's message come, a rank's fate is a variable, and
 * what is sent is written down. Whenever the crew waits and nothing is there, the
 * test's own `play` decides what happens next.
 */
#ifndef ROTA_TESTS_CREW_STAGE_H
#define ROTA_TESTS_CREW_STAGE_H

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
    bool reads_on;
    int blocks; /* that more() gives; below 0: none has come yet */
    int retries;
    int numbers; /* the first command's; the next ones are each 10 more */
    char log[LOG_BYTES];
    char told[LOG_BYTES]; /* what the command that ended last wrote, */
    char said[LOG_BYTES]; /* and what was shown of any before its end */
    char had[LOG_BYTES];  /* what the last one that failed was given to read */
    char why[LOG_BYTES];  /* its output could not be kept */
};

/* ---- the link ---------------------------------------------------------------- */

static inline int play_post(struct link *l, int rank, int tag, void *data, size_t size)
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

static inline int play_send(struct link *l, int rank, int tag, const void *data,
                            size_t size)
{
    struct stage *s = (struct stage *)l;
    if (s->fates[rank].how != ROTA_ALIVE)
        return ROTA_E_LOST;
    char *copy = malloc(size);
    memcpy(copy, data, size);
    return play_post(l, rank, tag, copy, size);
}

static inline bool take(struct stage *s, int source, struct rota_message *out)
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

static inline int play_receive(struct link *l, int source, int tag, int64_t deadline_ns,
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

static inline void play_done(struct rota_message *m)
{
    free(m->data);
    m->data = NULL;
}

static inline uint32_t play_news(const struct link *l)
{
    return ((const struct stage *)l)->news;
}

static inline struct rota_fate play_fate(const struct link *l, int rank)
{
    return ((const struct stage *)l)->fates[rank];
}

static inline void play_close(struct link *l)
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

static inline void put(struct stage *s, int source, struct wire_head head,
                       const void *more, size_t size)
{
    char *data = calloc(1, WIRE_HEAD_BYTES + size + 1);
    wire_write((unsigned char *)data, &head);
    if (size > 0)
        memcpy(data + WIRE_HEAD_BYTES, more, size);
    assert_true(s->inbox_count < INBOX);
    s->inbox[s->inbox_count++] = (struct rota_message){
        .source = source, .size_bytes = WIRE_HEAD_BYTES + size, .data = data};
}

static inline void hello(struct stage *s, int rank)
{
    static const struct rota_function command = {.name = "command"};
    struct wire_head h = {
        .kind = WIRE_HELLO, .count = 1, .lease = hand_fingerprint(&command, 1)};
    put(s, rank, h, "node", 4);
}

static inline void go(struct stage *s, int rank, enum rota_how how, int code)
{
    s->fates[rank] = (struct rota_fate){how, code};
    s->news++;
}

/* Report that the commands of a message ended with `status`. */
static inline void answer(struct stage *s, const struct sent *m, int status)
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
static inline void answer_all(struct stage *s, int status)
{
    for (; s->answered < s->sent_count; s->answered++) {
        const struct sent *m = &s->sent[s->answered];
        if (m->head.kind == WIRE_TASKS && s->fates[m->rank].how == ROTA_ALIVE)
            answer(s, m, status);
    }
}

/* ---- the hooks --------------------------------------------------------------- */

static inline void note(struct stage *s, const char *what, int a, int b)
{
    size_t used = strlen(s->log);
    snprintf(s->log + used, sizeof(s->log) - used, "%s%s%d:%d", used ? " " : "", what,
             a, b);
}

static inline int next_command(void *ctx, struct commands_spec *out,
                               struct rota_error *err)
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

static inline int next_block(void *ctx, struct commands_spec *out,
                             struct rota_error *err)
{
    struct stage *s = ctx;
    (void)err;
    if (s->blocks <= 0)
        return s->blocks < 0 ? ROTA_E_TIMEOUT : ROTA_E_NOTFOUND;
    s->blocks--;
    *out = (struct commands_spec){.input = "block", .input_bytes = 5};
    return 0;
}

static inline int add_text(void *ctx, const char *data, size_t size,
                           struct rota_error *err)
{
    (void)err;
    strncat(ctx, data, size);
    return 0;
}

static inline void read_text(const struct spool_text *text, char *to)
{
    assert_int_equal(spool_text_walk(text, 0, add_text, to, NULL), 0);
}

static inline int note_said(void *ctx, const struct crew_part *part,
                            struct rota_error *err)
{
    struct stage *s = ctx;
    (void)err;
    read_text(&part->out, s->said);
    strcat(s->said, ";");
    return 0;
}

static inline void note_spilt(void *ctx, uint64_t task, const char *why)
{
    struct stage *s = ctx;
    note(s, "spilt", (int)task, 0);
    snprintf(s->why, sizeof(s->why), "%s", why);
}

static inline int note_ended(void *ctx, const struct crew_end *end,
                             struct rota_error *err)
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
    assert_int_equal(end->had != NULL, s->reads_on);
    if (s->reads_on && end->outcome != ROTA_DONE)
        snprintf(s->had, sizeof(s->had), "%s", end->had);
    if (end->argv != NULL)
        assert_string_equal(end->argv[2], "echo $$");
    if (tried)
        note(s, "end", (int)end->task, end->result->code);
    return s->fail_ended;
}

static inline void note_lost(void *ctx, int rank, const struct rota_fate *fate,
                             const char *strange, uint64_t again)
{
    assert_true((fate == NULL) == (strange != NULL));
    note(ctx, fate != NULL ? "lost" : "strange", rank, (int)again);
}

static inline void note_came(void *ctx, int rank, int slots, const char *host)
{
    assert_string_equal(host, "node");
    note(ctx, "came", rank, slots);
}

static inline void note_tried(void *ctx, const struct crew_end *end)
{
    assert_int_equal(end->outcome, ROTA_FAILED);
    assert_null(end->argv);
    note(ctx, "tried", (int)end->task, end->attempts);
}
static const struct crew_manner plain = {.in_order = false};

static inline bool is_enough(void *ctx)
{
    const struct stage *s = ctx;
    return s->stop_after > 0 && s->waits >= s->stop_after;
}

static inline enum crew_course course_of(void *ctx)
{
    const struct stage *s = ctx;
    if (is_enough(ctx))
        return CREW_STOP;
    return s->run_out_after > 0 && s->waits >= s->run_out_after ? CREW_RUN_OUT
                                                                : CREW_GO_ON;
}

static inline bool have_enough(void *ctx)
{
    const struct stage *s = ctx;
    struct crew_state now;
    crew_look(s->farm, &now);
    return s->enough > 0 && now.succeeded + now.failed >= s->enough;
}

static inline int manage(struct stage *s, struct crew_summary *out,
                         struct rota_error *err)
{
    struct crew_hooks hooks = {.ctx = s,
                               .retries = s->retries,
                               .next = next_command,
                               .more = s->reads_on ? next_block : NULL,
                               .ended = note_ended,
                               .lost = note_lost,
                               .said = s->shown ? note_said : NULL,
                               .keep = s->keep,
                               .spilt = note_spilt,
                               .came = s->numbers > 0 ? note_came : NULL,
                               .tried = s->numbers > 0 ? note_tried : NULL,
                               .enough = have_enough,
                               .steer = course_of};
    struct crew_manner manner = {
        .prompt = s->enough > 0, .in_order = s->in_order, .reads_on = s->reads_on};
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

static inline void both_come_and_do_all(struct stage *s)
{
    if (s->waits == 1) {
        hello(s, 1);
        hello(s, 2);
    }
    answer_all(s, 0);
}

/* The rank that got message `m` says these of its first command. */
static inline void say(struct stage *s, const struct sent *m, enum execute_how how,
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

#endif
