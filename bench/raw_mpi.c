/* raw_mpi.c - a master and its workers in plain MPI, written by hand with care
 *
 *     mpiexec -n N raw_mpi BATCH PER_US CORES LOAD...      (load.h)
 *
 * What people write who have no farm, as good as it gets in a page: BATCH tasks a
 * message, and two messages under way to each worker, so that none waits for its
 * master. A message's tag says which function; it begins with the number of its first
 * task, and so does the answer, by which the master puts the values where they belong.
 * A worker that dies takes the run with it.
 */
#include <mpi.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "load.h"

enum {
    BATCH_MAX = 1024,
    PREFETCH = 2,
    TAG_STOP = LOAD_FUNCTIONS,
};

/* The number of the first task, then the payloads or the values. */
static uint64_t message[1 + BATCH_MAX];

struct master {
    int workers;
    uint64_t batch;
    uint64_t next; /* task to be sent */
};

/* Send the next tasks to `worker`. False: there are none. */
static bool send_next(struct master *m, const struct load *l, int worker)
{
    uint64_t count = l->count - m->next < m->batch ? l->count - m->next : m->batch;
    if (count == 0)
        return false;
    message[0] = m->next;
    for (uint64_t i = 0; i < count; i++)
        message[1 + i] = load_payload(l, m->next + i);
    m->next += count;
    MPI_Send(message, (int)count + 1, MPI_UINT64_T, worker, l->function,
             MPI_COMM_WORLD);
    return true;
}

static double master_do(struct load *l, void *context)
{
    struct master *m = context;
    int under_way = 0;
    int64_t began = clock_now_ns();
    m->next = 0;
    for (int i = 0; i < PREFETCH; i++)
        for (int worker = 1; worker <= m->workers; worker++)
            under_way += send_next(m, l, worker);
    while (under_way > 0) {
        MPI_Status status;
        int count;
        MPI_Recv(message, 1 + BATCH_MAX, MPI_UINT64_T, MPI_ANY_SOURCE, MPI_ANY_TAG,
                 MPI_COMM_WORLD, &status);
        MPI_Get_count(&status, MPI_UINT64_T, &count);
        for (int i = 1; i < count; i++)
            l->values[message[0] + (uint64_t)i - 1] = message[i];
        under_way -= !send_next(m, l, status.MPI_SOURCE);
    }
    return (double)(clock_now_ns() - began) / 1e9;
}

static void work(void)
{
    for (;;) {
        MPI_Status status;
        int count;
        MPI_Recv(message, 1 + BATCH_MAX, MPI_UINT64_T, 0, MPI_ANY_TAG, MPI_COMM_WORLD,
                 &status);
        if (status.MPI_TAG == TAG_STOP)
            return;
        MPI_Get_count(&status, MPI_UINT64_T, &count);
        load_function *function = load_functions[status.MPI_TAG];
        for (int i = 1; i < count; i++)
            message[i] = function(message[i]);
        MPI_Send(message, count, MPI_UINT64_T, 0, status.MPI_TAG, MPI_COMM_WORLD);
    }
}

int main(int argc, char **argv)
{
    int rank;
    int size;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    int batch = argc > 4 ? atoi(argv[1]) : 0;
    if (batch < 1 || batch > BATCH_MAX || size < 2) {
        fprintf(stderr, "raw_mpi: wants a batch size, a spin rate, cores, loads, and "
                        "two ranks\n");
        MPI_Abort(MPI_COMM_WORLD, 2);
    }
    if (rank != 0) {
        work();
    } else {
        struct master m = {.workers = size - 1, .batch = (uint64_t)batch};
        for (int i = 4; i < argc; i++)
            load_measure(argv[i], strtod(argv[2], NULL), atoi(argv[3]), master_do, &m);
        for (int worker = 1; worker < size; worker++)
            MPI_Send(NULL, 0, MPI_UINT64_T, worker, TAG_STOP, MPI_COMM_WORLD);
    }
    MPI_Finalize();
    return 0;
}
