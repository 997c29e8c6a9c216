/* script.c - what tasks are, and do
 *
 * A task names its script in the first 8 bytes of its payload, or in its tag where the
 * payload is shorter. Whatever else it says must be what the script says; its bytes
 * are derived from the script's number. A value names the attempt and the task; one too
 * short for that is derived from script and task alone.
 */
#include <string.h>

#include "world.h"

enum {
    NAME_BYTES = 8,    /* of a payload */
    ORIGIN_BYTES = 16, /* of a value */
};

/* ---- made ------------------------------------------------------------------------ */

static size_t choose_size(struct world *w)
{
    struct dice *d = &w->course.dice;
    if (w->weather.alike && !dice_one_in(d, 8))
        return 8;
    if (by_chance(w, w->weather.one_large_in))
        return (size_t)dice_below(d, (int)w->weather.large);
    return dice_one_in(d, 2) ? 8 : (size_t)dice_below(d, dice_one_in(d, 2) ? 8 : 70);
}

/* Half of them say nothing but their payload. */
static struct parcel_task choose_task(struct world *w, int number)
{
    struct dice *d = &w->course.dice;
    struct parcel_task t = {.size = choose_size(w)};
    if (w->weather.alike && t.size == 8 && !dice_one_in(d, 8))
        return t;
    t.function = dice_one_in(d, 3) ? (uint16_t)dice_below(d, FUNCTIONS) : 0;
    if (t.size < NAME_BYTES)
        t.tag = (uint64_t)number + 1;
    else if (dice_one_in(d, 4))
        t.tag = dice_next(d);
    if (dice_one_in(d, 2))
        t.retries = (uint16_t)dice_below(d, 3);
    t.priority = dice_below(d, w->weather.priorities) - w->weather.priorities / 2;
    if (by_chance(w, w->weather.one_near_in))
        t.near = (uint16_t)dice_below(d, w->options.workers + 3);
    if (by_chance(w, w->weather.one_limited_in))
        t.time_limit_ms = 1 + (uint32_t)dice_below(d, 20);
    return t;
}

static void choose_deeds(struct world *w, struct script *s)
{
    struct dice *d = &w->course.dice;
    s->takes_ns = dice_skewed(d, w->weather.least_ns, w->weather.most_ns);
    if (by_chance(w, w->weather.one_failing_in)) {
        s->fate = FATE_FAIL + (enum fate)dice_below(d, 3);
        s->fails = 1 + (uint32_t)dice_below(d, 4);
        s->code = 1 + dice_below(d, 31);
    }
    if (by_chance(w, w->weather.one_poison_in)) {
        s->fate = FATE_KILL;
        s->fails = dice_one_in(d, 2) ? UINT32_MAX : 1 + (uint32_t)dice_below(d, 3);
    }
    s->value_size = choose_size(w);
    if (s->depth > 0 && by_chance(w, w->weather.one_parent_in)) {
        s->children = 1 + dice_below(d, 5);
        s->value_size += ORIGIN_BYTES; /* so it is known whose they are */
    }
}

int script_new(struct world *w, int parent, int depth)
{
    if (w->scripts_count == SCRIPTS_MOST)
        return NOBODY;
    int number = w->scripts_count++;
    w->scripts =
        grown(w->scripts, &w->scripts_cap, (size_t)number, sizeof(*w->scripts));
    struct script s = {.parent = parent, .depth = depth};
    s.task = choose_task(w, number);
    choose_deeds(w, &s);
    w->scripts[number] = s;
    return number;
}

/* ---- bytes ----------------------------------------------------------------------- */

static void fill(unsigned char *out, size_t from, size_t size, uint64_t what)
{
    for (size_t i = from; i < size; i++)
        out[i] = (unsigned char)(what * 31 + i * 7 + (i >> 8));
}

static bool is_filled(const unsigned char *in, size_t from, size_t size, uint64_t what)
{
    for (size_t i = from; i < size; i++) {
        if (in[i] != (unsigned char)(what * 31 + i * 7 + (i >> 8)))
            return false;
    }
    return true;
}

void script_write_payload(const struct world *w, int script, unsigned char *out)
{
    size_t size = w->scripts[script].task.size;
    size_t at = size < NAME_BYTES ? 0 : NAME_BYTES;
    if (at > 0)
        parcel_put64(out, (uint64_t)script + 1);
    fill(out, at, size, (uint64_t)script);
}

int script_find(const struct world *w, const struct parcel_task *t)
{
    size_t at = t->size < NAME_BYTES ? 0 : NAME_BYTES;
    uint64_t name = at > 0 ? parcel_get64(t->data) : t->tag;
    if (name == 0 || name > (uint64_t)w->scripts_count)
        return NOBODY;
    const struct parcel_task *is = &w->scripts[name - 1].task;
    bool good = t->size == is->size && t->tag == is->tag &&
                t->time_limit_ms == is->time_limit_ms && t->priority == is->priority &&
                t->function == is->function && t->retries == is->retries &&
                t->near == is->near && is_filled(t->data, at, t->size, name - 1);
    return good ? (int)(name - 1) : NOBODY;
}

static uint64_t essence(const struct world *w, int number)
{
    const struct attempt *a = &w->attempts[number];
    return (uint64_t)a->script * 5 + a->task;
}

void script_write_value(const struct world *w, int number, unsigned char *out)
{
    const struct attempt *a = &w->attempts[number];
    size_t size = w->scripts[a->script].value_size;
    size_t at = size < ORIGIN_BYTES ? 0 : ORIGIN_BYTES;
    if (at > 0) {
        parcel_put64(out, (uint64_t)number);
        parcel_put64(out + 8, a->task);
    }
    fill(out, at, size, essence(w, number));
}

bool script_is_value(const struct world *w, int number, const unsigned char *data,
                     size_t size)
{
    const struct attempt *a = &w->attempts[number];
    size_t at = size < ORIGIN_BYTES ? 0 : ORIGIN_BYTES;
    if (size != w->scripts[a->script].value_size)
        return false;
    if (at > 0 &&
        (parcel_get64(data) != (uint64_t)number || parcel_get64(data + 8) != a->task))
        return false;
    return is_filled(data, at, size, essence(w, number));
}
