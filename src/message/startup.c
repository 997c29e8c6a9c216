/* startup.c - MPI, begun and ended so that a rank's death ends only that rank
 *
 * What is set for a rank that has others, unless the user has set it, and why. Once MPI
 * has begun it is unset again, so that the programs that a rank starts find the user's
 * own environment; ROTA_PREPARED has the names meanwhile.
 *   SIGPIPE ignored                   Open MPI over TCP lets a broken connection
 *                                     kill the survivor by it
 *   OMPI_MCA_mpi_ft_enable=1          Open MPI 5: a death over TCP aborts nobody
 *   OMPI_MCA_btl_vader_single_copy_mechanism=none
 *                                     no reads from a process that may be dead;
 *                                     frames are too small to need them
 *   UCX_TLS                           the same for MPICH: ^cma; where hydra says that
 *                                     all ranks are on this host, its shared memory
 *                                     alone, since with TCP beside it each look for
 *                                     messages would cost a system call. Sturdy:
 *                                     no shared memory. Its queues have one end for
 *                                     all who send to a rank, and a sender that dies
 *                                     halfway through an entry blocks the queue for
 *                                     good (about one in forty such deaths); who is
 *                                     not sturdy notices that (exchange.h, 7)
 *   UCX_NET_DEVICES=lo                sturdy, and all on this host: no network that is
 *                                     slow, closed to this, or gone tomorrow
 *   UCX_LOG_LEVEL=fatal               UCX talks to the user about each dead peer
 */
#include "message/startup.h"

#include <endian.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "message/frame.h"

/* Hydra tells each rank how many there are, and how many on its host. */
static bool is_whole_run_here(void)
{
    const char *all = getenv("PMI_SIZE");
    const char *here = getenv("MPI_LOCALNRANKS");
    return all != NULL && here != NULL && strcmp(all, here) == 0;
}

static const char shared_memory_alone[] = "posix,sysv,self";
static const char any_but_cma[] = "^cma";

static const char *ucx_transports(bool sturdy)
{
    if (sturdy)
        return "^cma,knem,xpmem,posix,sysv";
    return is_whole_run_here() ? shared_memory_alone : any_but_cma;
}

/* Whether ranks of one host talk through its memory. Not where the user has other
 * wishes, or sturdy has been asked for. */
static bool may_share_memory(void)
{
    const char *transports = getenv("UCX_TLS");
    return transports != NULL && (strcmp(transports, shared_memory_alone) == 0 ||
                                  strcmp(transports, any_but_cma) == 0);
}

void startup_prepare(bool sturdy)
{
    const char *const settings[][2] = {
        {"OMPI_MCA_mpi_ft_enable", "1"},
        {"OMPI_MCA_btl_vader_single_copy_mechanism", "none"},
        {"UCX_TLS", ucx_transports(sturdy)},
        {"UCX_NET_DEVICES", sturdy && is_whole_run_here() ? "lo" : NULL},
        {"UCX_LOG_LEVEL", "fatal"},
    };
    char names[200] = "";
    signal(SIGPIPE, SIG_IGN);
    if (getenv("ROTA_PREPARED") != NULL)
        return; /* the process that started this one anew did it */
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        if (settings[i][1] == NULL || getenv(settings[i][0]) != NULL)
            continue;
        setenv(settings[i][0], settings[i][1], 1);
        strcat(strcat(names, settings[i][0]), " ");
    }
    setenv("ROTA_PREPARED", names, 1);
}

static void forget_preparations(void)
{
    const char *prepared = getenv("ROTA_PREPARED");
    rota_auto(heap) char *names = prepared != NULL ? strdup(prepared) : NULL;
    char *rest = names;
    for (char *name; (name = strsep(&rest, " ")) != NULL;)
        unsetenv(name); /* the last is empty: refused, and nothing is done */
    unsetenv("ROTA_PREPARED");
}

static int mpi_failed(int rc, const char *what, struct rota_error *err)
{
    char text[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    MPI_Error_string(rc, text, &length);
    return error_set(err, ROTA_E_MPI, "%s failed: %s", what, text);
}

static int init_mpi(struct startup *s, struct rota_error *err)
{
    int already = 0;
    MPI_Initialized(&already);
    if (already)
        return error_set(err, ROTA_E_STATE,
                         "MPI is initialized already; call rota_open once, and before "
                         "MPI_Init");
    /* Not MPI_THREAD_FUNNELED, though the program may have threads of its own: by that
     * Open MPI 4 locks on its whole way, for a third of a short message's time. No
     * thread but this one may call MPI either way. */
    s->shared = may_share_memory();
    int rc = MPI_Init(NULL, NULL);
    forget_preparations();
    if (rc != MPI_SUCCESS)
        return mpi_failed(rc, "MPI_Init", err);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    rc = MPI_Comm_dup(MPI_COMM_WORLD, &s->comm);
    if (rc != MPI_SUCCESS)
        return mpi_failed(rc, "MPI_Comm_dup", err);
    MPI_Comm_set_errhandler(s->comm, MPI_ERRORS_RETURN);
    MPI_Comm_rank(s->comm, &s->rank);
    MPI_Comm_size(s->comm, &s->size);
    return 0;
}

/* The first of the variables that is set, as a number; 0 where none is. */
static int number_of(const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *text = getenv(names[i]);
        if (text != NULL)
            return atoi(text);
    }
    return 0;
}

/* How many ranks the launcher says that it has started, */
static int launched(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"};
    return number_of(names, sizeof(names) / sizeof(names[0]));
}

/* and how many of them on this host; 0 where it says nothing. */
static int launched_here(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_LOCAL_SIZE",
                                        "MPI_LOCALNRANKS"};
    return number_of(names, sizeof(names) / sizeof(names[0]));
}

/* By all processors of the host: a rank that is bound sees only its own. */
static bool is_crowded(const struct startup *s, bool one_host)
{
    int here = launched_here();
    if (here == 0)
        here = one_host ? s->size : 1;
    return here > sysconf(_SC_NPROCESSORS_ONLN);
}

/* Under another MPI's launcher every process would be a run of its own. */
static int check_launcher(const struct startup *s, struct rota_error *err)
{
    int others = launched();
    if (s->size > 1 || others <= 1)
        return 0;
    return error_set(
        err, ROTA_E_LAUNCH,
        "started as one of %d, but to this program's MPI it is alone: the "
        "launcher is another MPI's; use the mpiexec of the MPI that it was "
        "built with",
        others);
}

/* What each rank tells all others before anything else. */
struct hello {
    uint32_t version; /* of the frames (frame.h), little-endian */
    unsigned char where[NET_WHERE_BYTES];
};

/* Meet all ranks of `s`: see that they speak the same frames, and whether they are on
 * one host. */
static int meet(const struct startup *s, bool *on_one_host, struct rota_error *err)
{
    struct hello own = {.version = htole32(FRAME_VERSION)};
    rota_auto(heap) struct hello *all = malloc((size_t)s->size * sizeof(own));
    if (all == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    liveness_where(own.where);
    int rc =
        MPI_Allgather(&own, sizeof(own), MPI_BYTE, all, sizeof(own), MPI_BYTE, s->comm);
    if (rc != MPI_SUCCESS)
        return mpi_failed(rc, "MPI_Allgather", err);
    bool together = true;
    for (int i = 0; i < s->size; i++) {
        if (all[i].version != own.version)
            return error_set(err, ROTA_E_STATE,
                             "rank %d was built with another version of Rota (its "
                             "frames have version %u, here %u); build all programs of "
                             "a run with the same",
                             i, (unsigned)le32toh(all[i].version),
                             (unsigned)FRAME_VERSION);
        together = together && memcmp(all[i].where, own.where, sizeof(own.where)) == 0;
    }
    *on_one_host = together;
    return 0;
}

/* All that follows MPI_Init. */
static int join(struct liveness *lv, struct startup *s, struct rota_error *err)
{
    bool one_host = false;
    int rc = check_launcher(s, err);
    if (rc == 0)
        rc = meet(s, &one_host, err);
    if (rc != 0)
        return rc;

    /* The others wait for rank 0's word, even where it could open no hub. */
    struct liveness_invitation invitation = {0};
    int invited =
        s->rank == 0 ? liveness_invite(lv, s->size, one_host, &invitation, err) : 0;
    rc = MPI_Bcast(&invitation, sizeof(invitation), MPI_BYTE, 0, s->comm);
    if (invited != 0)
        return invited;
    if (rc != MPI_SUCCESS)
        return mpi_failed(rc, "MPI_Bcast", err);
    if (!invitation.valid)
        return error_set(err, ROTA_E_LOST, "rank 0 could not begin the run");
    s->crowded = is_crowded(s, one_host);
    s->shared = s->shared && one_host;
    return liveness_join(lv, s->rank, s->size, &invitation, &s->board, err);
}

int startup_join(struct liveness *lv, struct startup *out, struct rota_error *err)
{
    struct startup s = {0};
    liveness_start(lv);
    int rc = init_mpi(&s, err);
    if (rc != 0)
        return rc;
    rc = join(lv, &s, err);
    if (rc != 0)
        startup_undo(&s);
    else
        *out = s;
    return rc;
}

void startup_undo(const struct startup *s)
{
    if (s->size == 1)
        PMPI_Finalize();
}
