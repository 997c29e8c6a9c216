/* gate.c - whether there is room on this machine for one more command */
#include "execute/gate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define SWAP_NS NS_PER_SEC /* a look at swapping is as long */

enum gate_state gate_decide(const struct gate_limits *l, const struct gate_reading *r)
{
    if (l->memory_bytes > 0 && r->memory_bytes >= 0) {
        if (r->memory_bytes < l->memory_bytes / 2)
            return GATE_CROWDED;
        if (r->memory_bytes < l->memory_bytes)
            return GATE_SHUT;
    }
    if (l->load > 0 && r->busy >= l->load)
        return GATE_SHUT;
    if (l->noswap && r->swapped_in > 0 && r->swapped_out > 0)
        return GATE_SHUT;
    return GATE_OPEN;
}

/* ---- reading ----------------------------------------------------------------- */

struct wanted {
    const char *name;
    int64_t value; /* -1: was not there */
};

/* Lines of "NAME VALUE", of which some are wanted. */
static void read_values(const struct gate *g, const char *file, struct wanted *w,
                        int count)
{
    char path[4096];
    const char *proc = g->limits.proc ? g->limits.proc : "/proc";
    rota_auto(heap) char *line = NULL;
    size_t cap = 0;
    snprintf(path, sizeof(path), "%s/%s", proc, file);
    FILE *f = fopen(path, "re");
    while (f != NULL && getline(&line, &cap, f) > 0) {
        for (int i = 0; i < count; i++) {
            size_t size = strlen(w[i].name);
            if (strncmp(line, w[i].name, size) == 0 && line[size] == ' ')
                w[i].value = strtoll(line + size, NULL, 10);
        }
    }
    if (f != NULL)
        fclose(f);
}

static int64_t read_memory(const struct gate *g)
{
    struct wanted w = {"MemAvailable:", -1};
    read_values(g, "meminfo", &w, 1);
    return w.value < 0 ? -1 : w.value * 1024;
}

static double read_busy(const struct gate *g)
{
    struct wanted w[] = {{"procs_running", -1}, {"procs_blocked", -1}};
    read_values(g, "stat", w, 2);
    if (w[0].value < 0)
        return -1;
    int64_t others = w[0].value - 1 + (w[1].value > 0 ? w[1].value : 0);
    return others > 0 ? (double)others : 0;
}

static void read_swap(struct gate *g, int64_t now_ns)
{
    struct wanted w[] = {{"pswpin", -1}, {"pswpout", -1}};
    if (g->swap_ns != 0 && now_ns - g->swap_ns < SWAP_NS)
        return;
    read_values(g, "vmstat", w, 2);
    bool known = g->pages_in >= 0 && w[0].value >= 0 && w[1].value >= 0;
    if (g->swap_ns != 0 && known) {
        g->swap_known.swapped_in = w[0].value - g->pages_in;
        g->swap_known.swapped_out = w[1].value - g->pages_out;
    }
    g->pages_in = w[0].value;
    g->pages_out = w[1].value;
    g->swap_ns = now_ns;
}

void gate_init(struct gate *g, const struct gate_limits *limits)
{
    *g = (struct gate){.limits = *limits};
}

bool gate_is_wanted(const struct gate *g)
{
    return g->limits.memory_bytes > 0 || g->limits.load > 0 || g->limits.noswap;
}

enum gate_state gate_look(struct gate *g, int64_t now_ns)
{
    if (g->limits.noswap)
        read_swap(g, now_ns);
    struct gate_reading r = g->swap_known;
    r.memory_bytes = g->limits.memory_bytes > 0 ? read_memory(g) : -1;
    r.busy = g->limits.load > 0 ? read_busy(g) : -1;
    return gate_decide(&g->limits, &r);
}
