/* detect_once.c - how long a manager waits for a worker that has ended
 *
 *     mpiexec -n 4 detect_once FILE [exit|kill]    prints milliseconds
 *
 * Worker 2 writes the time into FILE and ends, before it has sent what the manager
 * waits for. Printed is the time from then to the return of the manager's receive, by
 * the one machine's monotonic clock.
 */
#include <inttypes.h>
#include <rota.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

static void leave(const char *path, const char *how)
{
    nanosleep(&(struct timespec){.tv_nsec = 300 * NS_PER_MS}, NULL); /* it waits now */
    FILE *f = fopen(path, "we");
    if (f == NULL)
        exit(2);
    fprintf(f, "%" PRId64 "\n", clock_now_ns());
    fclose(f);
    if (strcmp(how, "kill") == 0)
        raise(SIGKILL);
    exit(1);
}

static int manage(struct rota *r, const char *path)
{
    struct rota_message m;
    int64_t left_ns;
    int rc = rota_recv(r, 2, 0, ROTA_FOREVER, &m);
    int64_t now_ns = clock_now_ns();
    FILE *f = fopen(path, "re");
    if (rc != ROTA_E_LOST || f == NULL || fscanf(f, "%" SCNd64, &left_ns) != 1) {
        fprintf(stderr, "detect_once: %s\n", rota_strerror(rc));
        return 1;
    }
    fclose(f);
    printf("%.2f\n", (double)(now_ns - left_ns) / 1e6);
    return 0;
}

int main(int argc, char **argv)
{
    struct rota *r;
    struct rota_error err;
    if (argc < 2) {
        fprintf(stderr, "detect_once: name a file for the time\n");
        return 2;
    }
    if (rota_open(&r, &err) != 0) {
        fprintf(stderr, "detect_once: %s\n", err.text);
        return 1;
    }
    if (rota_rank(r) == 2)
        leave(argv[1], argc > 2 ? argv[2] : "exit");
    int status = rota_rank(r) == 0 ? manage(r, argv[1]) : 0;
    rota_close(r);
    return status;
}
