/* phases.c - wrappers of MPI's beginning and end */
#include <stdlib.h>

#include "guard/preload/answer.h"
#include "guard/preload/asides.h"
#include "guard/preload/wrap.h"

/* Known before MPI is, by the launcher's word: who is in the world. */
static void begin(enum call call, void *site)
{
    const struct state *s = record_state();
    size_t size = (size_t)s->size;
    int *all = calloc(size, sizeof(*all));
    if (all == NULL) {
        record_stop();
        return;
    }
    for (size_t i = 0; i < size; i++)
        all[i] = (int)i;
    record_comm(HANDLE(MPI_COMM_WORLD), STATE_WORLD, all, size, NULL, 0);
    free(all);
    record_collective(call, site, HANDLE(MPI_COMM_WORLD), LOOK_NONE, LOOK_INIT, false);
}

static void end(int rc)
{
    const struct state *s = record_state();
    int rank = -1;
    int size = -1;
    int level = MPI_THREAD_SINGLE;
    record_done();
    if (rc != MPI_SUCCESS || PLAIN(Comm_rank, MPI_COMM_WORLD, &rank) != MPI_SUCCESS ||
        PLAIN(Comm_size, MPI_COMM_WORLD, &size) != MPI_SUCCESS || rank != s->rank ||
        size != s->size) {
        record_lost(STATE_STRANGER);
        record_stop();
        return;
    }
    record_comm(HANDLE(MPI_COMM_SELF), STATE_SELF(rank), &rank, 1, NULL, 0);
    if (PLAIN(Query_thread, &level) != MPI_SUCCESS || level == MPI_THREAD_MULTIPLE)
        record_multiple();
    record_lost(STATE_INITIALIZED);
    answer_begin();
}

WRAP(Init, int *argc, char ***argv)
{
    REAL(Init);
    if (record_depth != 0 || !record_attach())
        return real(argc, argv);
    record_depth = 1;
    begin(CALL_Init, SITE);
    int rc = real(argc, argv);
    end(rc);
    record_leave();
    return rc;
}

WRAP(Init_thread, int *argc, char ***argv, int required, int *provided)
{
    REAL(Init_thread);
    if (record_depth != 0 || !record_attach())
        return real(argc, argv, required, provided);
    record_depth = 1;
    begin(CALL_Init_thread, SITE);
    int rc = real(argc, argv, required, provided);
    end(rc);
    record_leave();
    return rc;
}

WRAP(Finalize, void)
{
    REAL(Finalize);
    if (!record_enter())
        return real();
    if (asides_at_end())
        record_free(CALL_Finalize, SITE);
    else
        record_phase(CALL_Finalize, SITE, LOOK_FINALIZING);
    int rc = real();
    record_phase(CALL_Finalize, SITE, LOOK_FINALIZED);
    record_lost(STATE_FINALIZED);
    record_stop();
    record_leave();
    return rc;
}

/* The launcher ends the others now: that is no hang. It may be called from within
 * another call, by an error handler. */
WRAP(Abort, MPI_Comm comm, int code)
{
    REAL(Abort);
    if (record_on)
        record_lost(STATE_ABORTED);
    return real(comm, code);
}
