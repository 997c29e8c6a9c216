/* course.h - the course of a run: its dice, its clock, and what will happen
 *
 * What every simulation has, whatever it models.
 */
#ifndef ROTA_TESTS_SIMULATE_COURSE_H
#define ROTA_TESTS_SIMULATE_COURSE_H

#include "events.h"
#include "random.h"

#define US INT64_C(1000)
#define MS INT64_C(1000000)

struct course {
    struct dice dice;
    struct events events;
    int64_t now_ns;
    uint64_t happened; /* events */
    bool verbose;      /* course_say() says something */
    char wrong[200];   /* what must not be; empty: all is well */
};

void course_begin(struct course *c, uint64_t seed);
void course_done(struct course *c);

/* The next event, whose time it is from now on; false: there is none, or all is not
 * well. A run of `events_most` is wrong. */
bool course_next(struct course *c, uint64_t events_most, struct event *out);

/* Something will happen in `in_ns`. */
void course_soon(struct course *c, int64_t in_ns, struct event e);

/* The same after a delay at random, of at most about `most_ns`, but not before
 * *last_ns, which it sets: so the order between two is kept. */
void course_deliver(struct course *c, int64_t *last_ns, int64_t most_ns,
                    struct event e);

/* Note what is wrong, unless something is already. */
void course_wrong(struct course *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Say what happens, for who looks on. */
void course_say(const struct course *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static inline bool course_is_well(const struct course *c)
{
    return c->wrong[0] == '\0';
}

#endif
