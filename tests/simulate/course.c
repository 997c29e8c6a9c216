/* course.c - the course of a run: its dice, its clock, and what will happen */
#include "course.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void course_begin(struct course *c, uint64_t seed)
{
    struct dice dice = {.state = seed};
    c->dice = dice;
    c->events.count = 0;
    c->now_ns = 0;
    c->happened = 0;
    c->wrong[0] = '\0';
}

void course_done(struct course *c)
{
    free(c->events.heap);
}

bool course_next(struct course *c, uint64_t events_most, struct event *out)
{
    if (!course_is_well(c) || !events_pop(&c->events, out))
        return false;
    c->now_ns = out->at_ns;
    if (++c->happened == events_most)
        course_wrong(c, "the run does not end");
    return true;
}

void course_soon(struct course *c, int64_t in_ns, struct event e)
{
    e.at_ns = c->now_ns + (in_ns > 0 ? in_ns : 0);
    events_push(&c->events, e);
}

void course_deliver(struct course *c, int64_t *last_ns, int64_t most_ns, struct event e)
{
    e.at_ns = c->now_ns + dice_skewed(&c->dice, US, most_ns);
    if (e.at_ns < *last_ns)
        e.at_ns = *last_ns;
    *last_ns = e.at_ns;
    events_push(&c->events, e);
}

void course_wrong(struct course *c, const char *format, ...)
{
    if (!course_is_well(c))
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(c->wrong, sizeof(c->wrong), format, args);
    va_end(args);
}

void course_say(const struct course *c, const char *format, ...)
{
    if (!c->verbose)
        return;
    va_list args;
    va_start(args, format);
    printf("%12ld ", (long)c->now_ns);
    vprintf(format, args);
    putchar('\n');
    va_end(args);
}
