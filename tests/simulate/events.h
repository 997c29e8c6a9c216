/* events.h - what will happen, by time; at the same time, in the order it was said */
#ifndef ROTA_TESTS_SIMULATE_EVENTS_H
#define ROTA_TESTS_SIMULATE_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum event_kind {
    EVENT_ADD,      /* count tasks are added */
    EVENT_CANCEL,   /* task */
    EVENT_WAKE,     /* the plan asked for it */
    EVENT_JOIN,     /* at the manager: a worker has come */
    EVENT_LOST,     /* at the manager: it has gone, or never will come */
    EVENT_FROZEN,   /* at the manager: it was stopped */
    EVENT_THAWED,   /* at the manager: it goes on */
    EVENT_RESULTS,  /* at the manager: of tasks first to first + count - 1 of a lease */
    EVENT_FAILURE,  /* at the manager: of task `first` */
    EVENT_BATCH,    /* at the worker: a lease */
    EVENT_DROP,     /* at the worker: tasks of a lease are not wanted any more */
    EVENT_TASK_END, /* at the worker: in a slot, if `epoch` is still that slot's */
    EVENT_KILL,     /* the worker dies */
    EVENT_STOP,     /* the worker is stopped */
    EVENT_GO_ON,    /* and goes on */
};

struct event {
    int64_t at_ns;
    uint64_t order;
    enum event_kind kind;
    int worker;
    int lease; /* the simulation's number of it */
    int slot;
    uint32_t epoch;
    uint64_t first;
    uint64_t count;
    int64_t busy_ns;
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
