/* fail.c - a worker ends before it has sent, and the manager is told how
 *
 *     rota exec -n 4 ./fail [exit|kill|segv|stop|finalize]
 *
 * The notebook's mpi_fail.py on Rota. Where that one hangs for ever (fail_mpi.c, and
 * proof_of_hang), the receive from worker 2 returns with ROTA_E_LOST, rota_fate() says
 * what became of it, and the manager goes on with worker 3. There is no timer in it.
 *
 * The argument is how worker 2 leaves: with exit status 1 (if none is given), killed
 * by SIGKILL or by a segmentation fault, stopped (it hangs without an end), or with
 * status 1 after MPI_Finalize, as a Python program under mpi4py does.
 *
 * Exit status: 1 if a worker's result is missing, else 0.
 */
#include <mpi.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "package.h"

static void say(const char *line)
{
    printf("%s\n", line);
    fflush(stdout);
}

static void print_package(const struct package *p)
{
    char id[32];
    char task[64];
    char result[32];
    snprintf(id, sizeof(id), "Worker %d", p->rank);
    printf("%-20s | %s | %15s\n", id, centred(p->task, 20, task, sizeof(task)),
           value_text(p->result, result, sizeof(result)));
    fflush(stdout);
}

static void print_missing(struct rota *r, int rank, int rc)
{
    struct rota_fate fate;
    char id[32];
    char how[80];
    snprintf(id, sizeof(id), "Worker %d", rank);
    if (rc == ROTA_E_LOST && rota_fate(r, rank, &fate) == 0)
        rota_fate_text(fate, how, sizeof(how));
    else
        snprintf(how, sizeof(how), "%s", rota_strerror(rc));
    printf("%-20s | %s before it sent\n", id, how);
    fflush(stdout);
}

/* How many results are missing. */
static int manage(struct rota *r)
{
    int missing = 0;
    say("\n#### PROCESS ID #### | ## ASSIGNED TASK ### | ### RESULT ####");
    say("-------------------------------------------------------------");
    for (int i = 1; i < rota_size(r); i++) {
        struct package p;
        printf("Master: Waiting for data from Worker %d...\n", i);
        fflush(stdout);
        int rc = package_recv(r, i, &p);
        if (rc == 0) {
            print_package(&p);
        } else {
            print_missing(r, i, rc);
            missing++;
        }
    }
    say("Master: Operation Complete.");
    return missing;
}

static void finalize(void)
{
    MPI_Finalize();
}

static void leave(const char *how)
{
    say("DEBUG: Worker 2 has encountered a fatal error and is exiting...");
    if (strcmp(how, "kill") == 0)
        raise(SIGKILL);
    else if (strcmp(how, "segv") == 0)
        raise(SIGSEGV);
    else if (strcmp(how, "stop") == 0)
        raise(SIGSTOP);
    else if (strcmp(how, "finalize") == 0)
        atexit(finalize);
    exit(1);
}

static int work(struct rota *r, const char *how)
{
    int rank = rota_rank(r);
    if (rank == 2)
        leave(how);
    const struct work w = {rank * 10, "+-/*"[rank % 4], 2};
    struct package p = {.rank = rank, .result = work_do(w)};
    work_text(w, p.task, sizeof(p.task));
    return package_send(r, &p);
}

static bool is_known(const char *how)
{
    static const char *const known[] = {"exit", "kill", "segv", "stop", "finalize"};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(how, known[i]) == 0)
            return true;
    return false;
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "exit";
    struct rota *r;
    struct rota_error err;
    if (!is_known(how)) {
        fprintf(stderr, "fail: '%s': say exit, kill, segv, stop or finalize\n", how);
        return 2;
    }
    if (rota_open(&r, &err) != 0) {
        fprintf(stderr, "fail: %s\n", err.text);
        return 1;
    }
    int failed = rota_rank(r) == 0 ? manage(r) : work(r, how);
    rota_close(r);
    return failed ? 1 : 0;
}
