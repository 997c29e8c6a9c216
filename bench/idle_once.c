/* idle_once.c - what a rank costs that waits in rota_recv for what does not come
 *
 *     mpiexec -n 2 idle_once      rank 0 prints: percent of a core, over three seconds
 */
#include <rota.h>

#include <stdio.h>
#include <sys/resource.h>

enum {
    WAIT_MS = 3000,
};

static double used_ms(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e3 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e3;
}

int main(void)
{
    struct rota *r;
    struct rota_error err;
    struct rota_message m;
    if (rota_open(&r, &err) != 0) {
        fprintf(stderr, "idle_once: %s\n", err.text);
        return 1;
    }
    double before = used_ms();
    int rc = rota_recv(r, 1 - rota_rank(r), 0, WAIT_MS, &m);
    if (rota_rank(r) == 0)
        printf("%.2f\n", (used_ms() - before) / WAIT_MS * 100);
    rota_close(r);
    /* Whoever leaves first is lost to the other: that too is the wait's end. */
    return rc == ROTA_E_TIMEOUT || rc == ROTA_E_LOST ? 0 : 1;
}
