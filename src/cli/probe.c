/* probe.c - four ranks, of which one kills itself: what the others see */
#include "cli/probe.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum tag {
    TAG_HOST,
    TAG_DIE,
    TAG_LAST_WORDS,
    TAG_PING,
    TAG_PONG,
};

enum {
    ANSWER_MS = 10000,
};

/* ---- what rank 0 does ---------------------------------------------------------------
 */

static void name_host(char host[PROBE_HOST_SIZE])
{
    if (gethostname(host, PROBE_HOST_SIZE - 1) != 0)
        strcpy(host, "?");
    host[PROBE_HOST_SIZE - 1] = '\0';
}

static void gather_hosts(struct rota *r, FILE *f)
{
    char hosts[PROBE_RANKS][PROBE_HOST_SIZE] = {""};
    struct rota_message m;
    int joined = 1;
    name_host(hosts[0]);
    for (int i = 1; i < rota_size(r) && i < PROBE_RANKS; i++) {
        if (rota_recv(r, i, TAG_HOST, ANSWER_MS, &m) != 0)
            continue;
        snprintf(hosts[joined++], PROBE_HOST_SIZE, "%s", (const char *)m.data);
        rota_message_done(&m);
    }
    fprintf(f, "joined %d", joined);
    for (int i = 0; i < joined; i++)
        fprintf(f, " %s", hosts[i]);
    fputc('\n', f);
    fflush(f);
}

static void watch_one_die(struct rota *r, FILE *f)
{
    int last = rota_size(r) - 1;
    struct rota_message m;
    struct rota_fate fate;
    if (rota_send(r, last, TAG_DIE, NULL, 0) != 0 ||
        rota_recv(r, last, TAG_LAST_WORDS, ANSWER_MS, &m) != 0)
        return;
    int64_t said_ns = clock_now_ns();
    rota_message_done(&m);
    if (rota_recv(r, last, ROTA_ANY_TAG, ANSWER_MS, &m) != ROTA_E_LOST ||
        rota_fate(r, last, &fate) != 0)
        return;
    fprintf(f, "lost %d %d %" PRId64 "\n", (int)fate.how, fate.code,
            clock_now_ns() - said_ns);
    fflush(f);
}

static void call_the_others(struct rota *r, FILE *f)
{
    int alive = 0;
    struct rota_message m;
    for (int i = 1; i + 1 < rota_size(r); i++)
        rota_send(r, i, TAG_PING, NULL, 0);
    for (int i = 1; i + 1 < rota_size(r); i++) {
        if (rota_recv(r, i, TAG_PONG, ANSWER_MS, &m) != 0)
            continue;
        rota_message_done(&m);
        alive++;
    }
    fprintf(f, "alive %d\n", alive);
}

static int observe(struct rota *r)
{
    gather_hosts(r, stdout);
    watch_one_die(r, stdout);
    call_the_others(r, stdout);
    return fflush(stdout) == 0 ? 0 : 1;
}

/* ---- what the others do --------------------------------------------------------- */

static int take_part(struct rota *r)
{
    char host[PROBE_HOST_SIZE];
    struct rota_message m;
    name_host(host);
    rota_send(r, 0, TAG_HOST, host, strlen(host));
    if (rota_recv(r, 0, ROTA_ANY_TAG, ROTA_FOREVER, &m) != 0)
        return 0; /* rank 0 has gone: it says so itself */
    int tag = m.tag;
    rota_message_done(&m);
    rota_send(r, 0, tag == TAG_DIE ? TAG_LAST_WORDS : TAG_PONG, NULL, 0);
    if (tag == TAG_DIE)
        raise(SIGKILL);
    return 0;
}

int probe_rank(void)
{
    struct rota *r;
    struct rota_error err;
    if (rota_open(&r, &err) != 0) {
        fprintf(stderr, "rota: %s\n", err.text);
        return 1;
    }
    int status = rota_rank(r) == 0 ? observe(r) : take_part(r);
    rota_close(r);
    return status;
}

/* ---- reading it ----------------------------------------------------------------- */

static void read_hosts(char *names, struct findings *out)
{
    char *rest = NULL;
    for (int i = 0; i < out->joined; i++) {
        const char *name = strtok_r(i == 0 ? names : NULL, " ", &rest);
        snprintf(out->hosts[i], PROBE_HOST_SIZE, "%s", name != NULL ? name : "?");
    }
}

void probe_read(FILE *f, struct findings *out)
{
    char line[PROBE_RANKS * PROBE_HOST_SIZE + 64];
    int how;
    int at = 0;
    *out = (struct findings){.alive = -1};
    while (fgets(line, sizeof(line), f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (sscanf(line, "joined %d %n", &out->joined, &at) == 1) {
            out->joined = out->joined > PROBE_RANKS ? PROBE_RANKS : out->joined;
            read_hosts(line + at, out);
        } else if (sscanf(line, "lost %d %d %" SCNd64, &how, &out->fate.code,
                          &out->after_ns) == 3) {
            out->fate.how = (enum rota_how)how;
            out->told = 1;
        } else {
            sscanf(line, "alive %d", &out->alive);
        }
    }
}
