/* pingpong_rota.c - 8 bytes to and fro between two ranks, on Rota
 *
 *     mpiexec -n 2 pingpong_rota [ROUND_TRIPS]     prints microseconds a round trip
 */
#include <rota.h>

#include "pingpong.h"

static int receive(struct rota *r, int other)
{
    struct rota_message m;
    int rc = rota_recv(r, other, 0, ROTA_FOREVER, &m);
    if (rc == 0)
        rota_message_done(&m);
    return rc;
}

static int trip(struct rota *r, int rank, const char *payload)
{
    int other = 1 - rank;
    int rc = 0;
    if (rank == 0)
        rc = rota_send(r, other, 0, payload, PAYLOAD_BYTES);
    if (rc == 0)
        rc = receive(r, other);
    if (rc == 0 && rank == 1)
        rc = rota_send(r, other, 0, payload, PAYLOAD_BYTES);
    return rc;
}

static int measure(struct rota *r, int trips)
{
    int rank = rota_rank(r);
    const char payload[PAYLOAD_BYTES] = {0};
    int64_t ns[BATCHES];
    for (int b = 0; b < BATCHES; b++) {
        int64_t begin = clock_now_ns();
        for (int i = 0; i < trips; i++) {
            int rc = trip(r, rank, payload);
            if (rc != 0)
                return rc;
        }
        ns[b] = clock_now_ns() - begin;
    }
    if (rank == 0)
        print_median(ns, trips);
    return 0;
}

int main(int argc, char **argv)
{
    struct rota *r;
    struct rota_error err;
    if (rota_open(&r, &err) != 0) {
        fprintf(stderr, "pingpong_rota: %s\n", err.text);
        return 1;
    }
    int rc = measure(r, batch_size(argc, argv));
    if (rc != 0)
        fprintf(stderr, "pingpong_rota: %s\n", rota_strerror(rc));
    rota_close(r);
    return rc == 0 ? 0 : 1;
}
