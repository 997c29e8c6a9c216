/* success.c - every worker computes something and sends it; the manager prints it
 *
 *     rota exec -n 10 ./success
 *
 * The notebook's mpi_success.py on Rota: its output is the same, byte for byte, at any
 * number of ranks. What differs shows when something goes wrong: see fail.c.
 */
#include <stdio.h>
#include <stdlib.h>

#include "package.h"

static void say(const char *line)
{
    printf("%s\n", line);
    fflush(stdout);
}

static void print_package(const struct package *p)
{
    char id[32];
    char result[32];
    snprintf(id, sizeof(id), "Process %d", p->rank);
    printf("%-15s | %-20s | %-15s\n", id, p->task,
           value_text(p->result, result, sizeof(result)));
    fflush(stdout);
}

static int manage(struct rota *r)
{
    int size = rota_size(r);
    say("\n WORKER ID      |  OPERATION           |  OUTPUT        ");
    say("========================================================");
    for (int i = 1; i < size; i++) {
        struct package p;
        int rc = package_recv(r, i, &p);
        if (rc != 0) {
            fprintf(stderr, "success: nothing from rank %d: %s\n", i,
                    rota_strerror(rc));
            return 1;
        }
        print_package(&p);
    }
    say("========================================================");
    printf("Master: Received data from %d processes.\n\n", size - 1);
    return 0;
}

static int work(struct rota *r)
{
    int rank = rota_rank(r);
    const struct work w = {rank * 100, "*/+-"[rank % 4], 5};
    struct package p = {.rank = rank, .result = work_do(w)};
    work_text(w, p.task, sizeof(p.task));
    return package_send(r, &p) == 0 ? 0 : 1;
}

int main(void)
{
    struct rota *r;
    struct rota_error err;
    if (rota_open(&r, &err) != 0) {
        fprintf(stderr, "success: %s\n", err.text);
        return 1;
    }
    int status = rota_rank(r) == 0 ? manage(r) : work(r);
    rota_close(r);
    return status;
}
