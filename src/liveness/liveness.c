/* liveness.c - the rank's end: begun, joined, left
 *
 * How the parent comes about: the process that the launcher has started starts
 * itself again (the same file, the same arguments) and stays above it. Started
 * anew and not merely forked, since a fork of a process that has loaded an MPI
 * library may hold that library's locks. What the new process needs to know stands
 * in ROTA_RANK, "notes,board,parent": two descriptors and a process id.
 */
#include "liveness/liveness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sodium.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/fault.h"
#include "liveness/note.h"
#include "liveness/parent.h"
#include "liveness/proxy.h"

static const char marker[] = "ROTA_RANK";

enum {
    LAST_WORDS_MS = 300,
};

struct liveness {
    int notes; /* -1: there is no parent */
    int board_fd;
    struct board *board;
};

ROTA_AUTO_DEFINE(liveness, struct liveness *, liveness_free);

/* Whether a launcher has started this process: what each of them leaves in the
 * environment of a rank. ROTA_PARENT says it where none of these does. */
bool liveness_expected(void)
{
    static const char *const signs[] = {"PMIX_RANK",  "PMI_RANK",
                                        "PMI_FD",     "PMI_PORT",
                                        "PMI_ID",     "OMPI_COMM_WORLD_RANK",
                                        "ROTA_PARENT"};
    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
        if (getenv(signs[i]) != NULL)
            return true;
    }
    return false;
}

/* ---- becoming two ------------------------------------------------------------ */

/* This process's arguments, as /proc has them: NULs between, read into *bytes. */
static char **own_arguments(char **bytes)
{
    rota_auto(fd) int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    rota_auto(heap) char *text = NULL;
    size_t size = 0;
    for (ssize_t n = 1; fd >= 0 && n > 0; size += (size_t)n) {
        char *more = realloc(text, size + 4097);
        if (more == NULL)
            return NULL;
        text = more;
        n = read(fd, text + size, 4096);
        if (n < 0)
            return NULL;
    }
    if (fd < 0 || size == 0)
        return NULL;
    text[size] = '\0';
    size_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += text[i] == '\0';
    char **argv = calloc(count + 1, sizeof(*argv));
    if (argv == NULL)
        return NULL;
    char *p = text;
    for (size_t i = 0; i < count; i++, p += strlen(p) + 1)
        argv[i] = p;
    *bytes = rota_steal(text);
    return argv;
}

static int start_again(int notes, int board_fd, pid_t *child)
{
    char fds[64];
    rota_auto(heap) char *bytes = NULL;
    rota_auto(heap) char **argv = own_arguments(&bytes);
    if (argv == NULL)
        return errno ? errno : ENOMEM;
    snprintf(fds, sizeof(fds), "%d,%d,%d", notes, board_fd, getpid());
    if (setenv(marker, fds, 1) != 0)
        return errno;
    /* By its path where it still has one: so it goes by its own name in ps. */
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
    path[n > 0 ? n : 0] = '\0';
    int rc = fault(FAULT_SPAWN) ? errno
                                : posix_spawn(child, path, NULL, NULL, argv, environ);
    if (rc != 0)
        rc = posix_spawn(child, "/proc/self/exe", NULL, NULL, argv, environ);
    unsetenv(marker);
    return rc;
}

/* Start the rank below this process, and never return unless that fails. */
static int become_parent(struct rota_error *err)
{
    int pair[2];
    int board_fd;
    pid_t child;
    if (fault(FAULT_PIPE) || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0)
        return error_set(err, ROTA_E_IO, "cannot make a socket pair: %s",
                         strerror(errno));
    fcntl(pair[0], F_SETFD, FD_CLOEXEC);
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    if (board_create(&board_fd) != 0)
        return error_set(err, ROTA_E_IO, "cannot make shared memory: %s",
                         strerror(errno));
    int rc = start_again(pair[1], board_fd, &child);
    if (rc != 0)
        return error_set(err, ROTA_E_IO, "cannot start this program again: %s",
                         strerror(rc));
    close(pair[1]);
    rc = parent_run(child, pair[0], board_fd);
    return error_set(err, ROTA_E_IO, "cannot watch over the rank: %s", strerror(rc));
}

/* The second time round: take up what the parent has left us. */
static int become_rank(struct liveness *lv, struct rota_error *err)
{
    int parent;
    const char *fds = getenv(marker);
    if (sscanf(fds, "%d,%d,%d", &lv->notes, &lv->board_fd, &parent) != 3)
        return error_set(err, ROTA_E_STATE, "%s is '%s', which no parent has set",
                         marker, fds);
    unsetenv(marker);
    unsetenv("ROTA_STATUS_FILE"); /* the parent's, and not for runs within this one */
    /* What this rank starts is no rank, and holds no line. */
    if (fcntl(lv->notes, F_SETFD, FD_CLOEXEC) != 0 ||
        fcntl(lv->board_fd, F_SETFD, FD_CLOEXEC) != 0)
        return error_set(err, ROTA_E_STATE, "%s names descriptors that are not there",
                         marker);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1); /* it died before it could be tied to */
    return 0;
}

const char *liveness_number(void)
{
    static const char *const names[] = {"PMIX_RANK", "PMI_RANK", "PMI_ID",
                                        "OMPI_COMM_WORLD_RANK"};
    const char *number = NULL;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && number == NULL; i++)
        number = getenv(names[i]);
    return number != NULL ? number : "0";
}

/* What the fault points are told: "parent2", "rank0". */
static int arm_faults(const char *kind, struct rota_error *err)
{
    char place[32];
    snprintf(place, sizeof(place), "%s%.10s", kind, liveness_number());
    return fault_arm(place, err);
}

/* At the end of a process that could not become a parent: the other ranks wait for it
 * in MPI_Init. Not before, and not at once: hydra kills by this whoever brings what was
 * said to the person, too. */
static void abort_launch(int status, void *ctx)
{
    (void)ctx;
    if (status == 0)
        return;
    fflush(NULL);
    clock_sleep_until(clock_deadline_ns(LAST_WORDS_MS));
    proxy_abort(status);
}

static int begin(bool is_parent, struct liveness **out, struct rota_error *err)
{
    rota_auto(liveness) struct liveness *lv = calloc(1, sizeof(*lv));
    if (lv == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    lv->notes = lv->board_fd = -1;
    if (sodium_init() < 0)
        return error_set(err, ROTA_E_IO, "libsodium cannot be initialized");
    int rc = 0;
    if (getenv(marker) != NULL)
        rc = become_rank(lv, err);
    else if (is_parent)
        rc = become_parent(err);
    if (rc == 0)
        *out = rota_steal(lv);
    return rc;
}

int liveness_begin(struct liveness **out, struct rota_error *err)
{
    bool is_parent = getenv(marker) == NULL && liveness_expected();
    int rc = arm_faults(is_parent ? "parent" : "rank", err);
    if (rc == 0)
        rc = begin(is_parent, out, err);
    if (rc != 0 && is_parent)
        on_exit(abort_launch, NULL);
    return rc;
}

void liveness_start(struct liveness *lv)
{
    const struct note n = {.kind = NOTE_START};
    if (liveness_has_parent(lv))
        note_send(lv->notes, &n, -1);
}

bool liveness_has_parent(const struct liveness *lv)
{
    return lv->notes >= 0;
}

void liveness_where(unsigned char out[NET_WHERE_BYTES])
{
    net_where(out);
}

/* ---- joining ----------------------------------------------------------------- */

/* Ask the parent and wait for its answer: it lives as long as this process. */
static int ask(struct liveness *lv, const struct note *question, enum note_kind kind,
               struct note *answer)
{
    int fd;
    if (note_send(lv->notes, question, -1) != 0 ||
        note_receive(lv->notes, answer, &fd) != 1 || answer->kind != (uint32_t)kind)
        return ROTA_E_IO;
    return answer->code;
}

int liveness_invite(struct liveness *lv, int size, bool one_host,
                    struct liveness_invitation *out, struct rota_error *err)
{
    if (!liveness_has_parent(lv)) {
        *out = (struct liveness_invitation){.valid = 1};
        return 0;
    }
    struct note question = {.kind = NOTE_INVITE, .a = size, .b = one_host};
    struct note answer = {0};
    int rc = ask(lv, &question, NOTE_INVITATION, &answer);
    if (rc != 0)
        return error_set(err, rc, "rank 0 cannot listen for the other ranks: %s",
                         rota_strerror(rc));
    *out = answer.invitation;
    return 0;
}

int liveness_join(struct liveness *lv, int rank, int size,
                  const struct liveness_invitation *invitation, struct board **board,
                  struct rota_error *err)
{
    if (!liveness_has_parent(lv) && size > 1)
        return error_set(err, ROTA_E_LAUNCH,
                         "started as one of %d by a launcher that Rota does not know: "
                         "set ROTA_PARENT=1 for every rank, or use 'rota exec'",
                         size);
    if (board_map(lv->board_fd, size, &lv->board) != 0)
        return error_set(err, ROTA_E_IO, "cannot map shared memory: %s",
                         strerror(errno));
    if (liveness_has_parent(lv)) {
        struct note question = {
            .kind = NOTE_JOIN, .a = rank, .b = size, .invitation = *invitation};
        struct note answer = {0};
        int rc = ask(lv, &question, NOTE_JOINED, &answer);
        if (rc != 0 && answer.a != 0)
            return error_set(err, rc, "rank %d cannot open its liveness line: %s", rank,
                             strerror(answer.a));
        if (rc == ROTA_E_LOST)
            return error_set(err, rc,
                             "rank %d cannot reach rank 0's host for its liveness "
                             "line; is a firewall between the hosts?",
                             rank);
        if (rc != 0)
            return error_set(err, rc, "rank %d cannot join the run: %s", rank,
                             rota_strerror(rc));
    }
    *board = lv->board;
    return 0;
}

static bool is_connected_stream(int fd)
{
    int type;
    socklen_t size = sizeof(type);
    struct sockaddr_storage peer;
    socklen_t peer_size = sizeof(peer);
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
           type == SOCK_STREAM &&
           getpeername(fd, (struct sockaddr *)&peer, &peer_size) == 0;
}

void liveness_keep_sockets(struct liveness *lv)
{
    enum {
        FIRST_FD = 3,
        FDS = 256
    };
    const struct note n = {.kind = NOTE_KEEP};
    for (int fd = FIRST_FD; fd < FDS; fd++) {
        if (is_connected_stream(fd))
            note_send(lv->notes, &n, fd);
    }
}

void liveness_serve(struct liveness *lv, int rank)
{
    const struct note n = {.kind = NOTE_SERVE, .a = rank};
    if (liveness_has_parent(lv))
        note_send(lv->notes, &n, -1);
}

void liveness_leave(struct liveness *lv)
{
    const struct note n = {.kind = NOTE_LEAVE};
    if (liveness_has_parent(lv))
        note_send(lv->notes, &n, -1);
}

void liveness_fence(struct liveness *lv, int rank)
{
    const struct note n = {.kind = NOTE_FENCE, .a = rank};
    if (liveness_has_parent(lv))
        note_send(lv->notes, &n, -1);
}

void liveness_free(struct liveness *lv)
{
    if (lv == NULL)
        return;
    board_unmap(lv->board);
    if (lv->notes >= 0)
        close(lv->notes);
    if (lv->board_fd >= 0)
        close(lv->board_fd);
    free(lv);
}
