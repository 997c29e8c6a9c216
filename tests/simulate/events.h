/* events.h - what will happen, by time; at the same time, in the order it was said */
#ifndef ROTA_TESTS_SIMULATE_EVENTS_H
#define ROTA_TESTS_SIMULATE_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event {
    int64_t at_ns;
    uint64_t order;
    int kind; /* the simulation says what there is */
    int worker;
    int lease; /* the simulation's number of it */
    int slot;
    uint32_t epoch;
    uint64_t first;
    uint64_t count;
    int64_t busy_ns;
    void *data;
};

struct events {
    struct event *heap;
    size_t count;
    size_t cap;
    uint64_t said;
};

void events_push(struct events *q, struct event e);
bool events_pop(struct events *q, struct event *out);

#endif
