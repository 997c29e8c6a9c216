/* nonsense_mpi.c - preloaded into the ranks of a run: some of them lose their minds
 *
 * Those that NONSENSE names, by their digits. Once, where its rank returns results
 * (rank 7, 8: where rank 0 gives it tasks), what is sent is changed on its way to MPI:
 *
 *     1  a message that is cut off within its head; and the rank never moves again
 *     2  a kind that there is none of
 *     3  an absurd count
 *     4  a frame of credit that nobody gave
 *     5  a frame that is longer than any
 *     6  a result longer than the message that it is in
 *     7  rank 0 gives it tasks of an unknown kind
 *     8  rank 0 sends it a frame that is longer than any
 */
#include <mpi.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "farm/wire.h"
#include "message/frame.h"

enum {
    LONG = FRAME_BYTES + 1000,
};

static unsigned char changed[LONG]; /* must outlive the call */
static bool done[16];

/* The rank whose turn it is to get, or send, nonsense; 0: none. */
static int whose(int rank, int dest, const unsigned char *bytes, int count)
{
    int who = rank > 0 ? rank : dest;
    int kind = rank > 0 ? WIRE_RESULTS : WIRE_TASKS;
    bool hostile = rank > 0 ? rank <= 6 && dest == 0 : dest == 7 || dest == 8;
    const char *mad = getenv("NONSENSE");
    if (!hostile || mad == NULL || strchr(mad, '0' + who) == NULL || done[who] ||
        count < WIRE_HEAD_BYTES || bytes[0] != WIRE_VERSION || bytes[1] != kind)
        return 0;
    done[who] = true;
    return who;
}

static void change(int who, int *count, int *tag)
{
    switch (who) {
    case 1:
        *count = 5;
        break;
    case 2:
    case 7:
        changed[1] = 99;
        break;
    case 3:
        parcel_put32(changed + 4, UINT32_MAX);
        break;
    case 4:
        *tag = frame_envelope(FRAME_CREDIT, 1000);
        *count = 0;
        break;
    case 6:
        parcel_put32(changed + WIRE_HEAD_BYTES + 4, UINT32_MAX);
        break;
    default:
        *count = LONG;
    }
}

int MPI_Isend(const void *buf, int count, MPI_Datatype type, int dest, int tag,
              MPI_Comm comm, MPI_Request *request)
{
    int rank = -1;
    PMPI_Comm_rank(comm, &rank);
    int who = whose(rank, dest, buf, count);
    if (who != 0) {
        memcpy(changed, buf, (size_t)count);
        change(who, &count, &tag);
        buf = changed;
    }
    int rc = PMPI_Isend(buf, count, type, dest, tag, comm, request);
    while (who == 1)
        pause();
    return rc;
}
