/* pingpong_once.c - 8 bytes to and fro between two ranks: Rota and plain MPI in turn
 *
 *     mpiexec -n 2 pingpong_once      prints: MPI ns, Rota ns, their ratio
 *
 * Both take turns in the same two processes, batch by batch, since from one start to
 * the next the processors that the two land on may differ by more than what is
 * measured. Times are medians of the batches, for one round trip; the ratio is the
 * median of the ratios of neighbours. Plain MPI is MPI_Send and MPI_Recv on
 * MPI_COMM_WORLD, with the receive's source and tag named.
 */
#include <mpi.h>
#include <rota.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "sorted.h"

enum {
    BATCHES = 31,
    TRIPS = 10000,
    BYTES = 8,
};

static struct rota *r;
static int me;
static char payload[BYTES];

static void stop_if(int failed, const char *what)
{
    if (failed) {
        fprintf(stderr, "pingpong_once: %s failed\n", what);
        exit(1);
    }
}

static void rota_send_one(void)
{
    stop_if(rota_send(r, 1 - me, 0, payload, BYTES) != 0, "rota_send");
}

static void rota_take_one(void)
{
    struct rota_message m;
    stop_if(rota_recv(r, 1 - me, 0, ROTA_FOREVER, &m) != 0, "rota_recv");
    rota_message_done(&m);
}

static void mpi_send_one(void)
{
    MPI_Send(payload, BYTES, MPI_BYTE, 1 - me, 0, MPI_COMM_WORLD);
}

static void mpi_take_one(void)
{
    MPI_Recv(payload, BYTES, MPI_BYTE, 1 - me, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

/* Nanoseconds for one round trip. */
static double batch(void (*send_one)(void), void (*take_one)(void))
{
    int64_t began = clock_now_ns();
    for (int i = 0; i < TRIPS; i++) {
        if (me == 0)
            send_one();
        take_one();
        if (me == 1)
            send_one();
    }
    return (double)(clock_now_ns() - began) / TRIPS;
}

int main(void)
{
    double mpi[BATCHES];
    double rota[BATCHES];
    double ratio[BATCHES];
    struct rota_error err;
    if (rota_open(&r, &err) != 0) {
        fprintf(stderr, "pingpong_once: %s\n", err.text);
        return 1;
    }
    me = rota_rank(r);
    for (int i = 0; i < BATCHES; i++) {
        mpi[i] = batch(mpi_send_one, mpi_take_one);
        rota[i] = batch(rota_send_one, rota_take_one);
        ratio[i] = rota[i] / mpi[i];
    }
    if (me == 0)
        printf("%.0f %.0f %.3f\n", median(mpi, BATCHES), median(rota, BATCHES),
               median(ratio, BATCHES));
    rota_close(r);
    return 0;
}
