/* world.c - the course of a run */
#include "world.h"

#include <stdlib.h>

#include "calls.h"
#include "memory.h"

bool by_chance(struct world *w, int one_in)
{
    return one_in > 0 && dice_one_in(&w->course.dice, one_in);
}

void *grown(void *array, size_t *cap, size_t count, size_t each)
{
    if (count < *cap)
        return array;
    *cap = *cap > 0 ? 2 * *cap : 64;
    return memory_grow(array, *cap * each);
}

void message_free(struct message *m)
{
    if (m == NULL)
        return;
    free(m->data);
    free(m);
}

void messages_clear(struct messages *list)
{
    struct message *m;
    while ((m = STAILQ_FIRST(list)) != NULL) {
        STAILQ_REMOVE_HEAD(list, link);
        message_free(m);
    }
}

static void begin(struct world *w, uint64_t seed)
{
    course_begin(&w->course, seed);
    w->wake_ns = INT64_MAX;
    w->submitting = NOBODY;
    w->behind = false;
    w->finished = false;
    w->closed_early = false;
    w->messages = 0;
    w->scripts_count = 0;
    w->attempts_count = 0;
    w->loans_count = 0;
    w->cells_count = 0;
    w->tasks = 0;
    w->told = 0;
    w->forgotten = 0;
    w->stale = 0;
    for (int i = 0; i < ROTA_OUTCOMES; i++)
        w->told_as[i] = 0;
    STAILQ_INIT(&w->inbox);
    weather_choose(w);
    manager_open(w);
    for (int i = 0; i < w->options.workers; i++)
        worker_open(w, i);
}

static void end(struct world *w)
{
    struct event e;
    while (events_pop(&w->course.events, &e))
        message_free(e.data);
    messages_clear(&w->inbox);
    for (int i = 0; i < w->options.workers; i++)
        worker_close(w, i);
    broker_free(w->broker);
    if (w->messages != 0)
        wrong(w, "%lu messages are not given back", (unsigned long)w->messages);
}

void world_run(struct world *w, uint64_t seed)
{
    begin(w, seed);
    calls_watch(w);
    struct event e;
    while (course_next(&w->course, EVENTS_MOST, &e)) {
        if (e.kind >= EVENT_START)
            worker_event(w, &e);
        else
            manager_event(w, &e);
    }
    judge_end(w);
    end(w);
}

struct world *world_new(void)
{
    struct world *w = memory_sure(sizeof(*w));
    *w = (struct world){.tasks = 0};
    return w;
}

void world_free(struct world *w)
{
    course_done(&w->course);
    free(w->scripts);
    free(w->attempts);
    free(w->loans);
    free(w->cells);
    free(w->truth);
    free(w);
}
