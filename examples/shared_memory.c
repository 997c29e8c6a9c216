/* shared_memory.c - the work of success.c with threads instead of processes
 *
 *     shared_memory [--race] [WORKERS]
 *
 * Nothing is sent: every thread writes its row into an array that all of them see, and
 * the manager reads it there. That is faster and shorter, and nothing but discipline
 * keeps two threads from changing the same variable at the same time. Each row has one
 * writer, and the manager reads it after that thread has ended (pthread_join); the
 * counter has many writers, so a mutex guards it.
 *
 * With --race the threads leave the mutex out. The output is nearly always the same,
 * which is what makes such mistakes last; ThreadSanitizer reports it at once:
 *
 *     cmake --preset tsan && cmake --build build-tsan
 *     build-tsan/examples/shared_memory --race
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "work.h"

enum {
    MAX_WORKERS = 1000,
};

/* What all threads see. */
struct table {
    pthread_mutex_t lock;
    int received; /* how many rows have been written; guarded by `lock` */
    bool race;    /* leave the lock out */
};

struct row {
    struct table *table;
    pthread_t thread;
    int id;
    struct work work;
    struct value result;
};

static void *work(void *arg)
{
    struct row *row = arg;
    struct table *t = row->table;
    row->work = (struct work){row->id * 100, "*/+-"[row->id % 4], 5};
    row->result = work_do(row->work);

    if (!t->race)
        pthread_mutex_lock(&t->lock);
    t->received++; /* a read and a write: two threads may read the same number */
    if (!t->race)
        pthread_mutex_unlock(&t->lock);
    return NULL;
}

static void print_row(const struct row *row)
{
    char id[32];
    char task[32];
    char result[32];
    snprintf(id, sizeof(id), "Thread %d", row->id);
    printf("%-15s | %-20s | %-15s\n", id, work_text(row->work, task, sizeof(task)),
           value_text(row->result, result, sizeof(result)));
}

/* Start them all, then wait for each in turn. Returns 0, or 1 without a thread. */
static int manage(struct table *t, struct row *rows, int workers)
{
    int started = 0;
    printf("\n WORKER ID      |  OPERATION           |  OUTPUT        \n"
           "========================================================\n");
    while (started < workers) {
        struct row *row = &rows[started];
        *row = (struct row){.table = t, .id = started + 1};
        if (pthread_create(&row->thread, NULL, work, row) != 0)
            break;
        started++;
    }
    for (int i = 0; i < started; i++) {
        pthread_join(rows[i].thread, NULL);
        print_row(&rows[i]);
    }
    printf("========================================================\n"
           "Master: Received data from %d threads.\n\n",
           t->received);
    return started == workers ? 0 : 1;
}

int main(int argc, char **argv)
{
    static struct row rows[MAX_WORKERS];
    struct table t = {.lock = PTHREAD_MUTEX_INITIALIZER};
    t.race = argc > 1 && strcmp(argv[1], "--race") == 0;
    const char *count = argc > 1 + t.race ? argv[1 + t.race] : "9";
    int workers = atoi(count);
    if (workers < 0 || workers > MAX_WORKERS || count[0] == '-') {
        fprintf(stderr, "shared_memory: '%s': say 0 to %d workers\n", count,
                MAX_WORKERS);
        return 2;
    }
    return manage(&t, rows, workers);
}
