/* tricky.c - correct programs in which much is odd, and nothing hangs
 *
 * Errors that return, requests that are cancelled or let go, messages to oneself and to
 * nobody, ranks that are stopped for a while: where a guard that counts may miscount.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <threads.h>
#include <unistd.h>

#include "cases.h"

enum {
    A_WHILE = 250000, /* microseconds: the guard has looked several times */
};

static void expect(int is, int should)
{
    if (is == should)
        return;
    printf("%d instead of %d\n", is, should);
    MPI_Abort(MPI_COMM_WORLD, 1);
}

/* Each waits for the other in turn, and each is late in turn. */
static void take_turns(MPI_Comm comm, int rank)
{
    for (int turn = 0; turn < 4; turn++) {
        int word = turn;
        if (turn % 2 == rank) {
            usleep(A_WHILE);
            MPI_Ssend(&word, 1, MPI_INT, 1 - rank, 3, comm);
        } else if (rank < 2) {
            MPI_Recv(&word, 1, MPI_INT, 1 - rank, 3, comm, MPI_STATUS_IGNORE);
            expect(word, turn);
        }
    }
}

/* Rank 0's calls fail, which is none of the others' business: all that is done after
 * that must be understood, or not be followed. */
static void errors_return(int rank, int size)
{
    int word = 1;
    MPI_Comm twin;
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    if (rank == 0) {
        MPI_Request request;
        expect(MPI_Send(&word, -1, MPI_INT, 1, 3, MPI_COMM_WORLD) != MPI_SUCCESS, 1);
        expect(MPI_Isend(&word, -1, MPI_INT, 1, 3, MPI_COMM_WORLD, &request) !=
                   MPI_SUCCESS,
               1);
        expect(MPI_Recv(&word, 1, MPI_INT, size, 3, MPI_COMM_WORLD,
                        MPI_STATUS_IGNORE) != MPI_SUCCESS,
               1);
    }
    take_turns(MPI_COMM_WORLD, rank);
    if (rank == 0)
        expect(MPI_Bcast(&word, 1, MPI_INT, size, MPI_COMM_WORLD) != MPI_SUCCESS, 1);
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Comm_dup(MPI_COMM_WORLD, &twin);
    take_turns(twin, rank);
    MPI_Barrier(twin);
    if (rank == 0)
        usleep(A_WHILE);
    MPI_Barrier(twin);
    MPI_Comm_free(&twin);
    take_turns(MPI_COMM_WORLD, rank);
}

/* A message that is too long is taken, and that is an error. */
static void truncated(int rank, int size)
{
    int words[4] = {0};
    (void)size;
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    for (int i = 0; i < 3; i++) {
        if (rank == 0)
            MPI_Send(words, 4, MPI_INT, 1, 3, MPI_COMM_WORLD);
        else if (rank == 1)
            MPI_Recv(words, 1, MPI_INT, 0, 3, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    }
    take_turns(MPI_COMM_WORLD, rank);
}

static void cancelled(int rank, int size)
{
    int words[2] = {0};
    int was;
    MPI_Request requests[2];
    MPI_Status statuses[2];
    (void)size;
    MPI_Irecv(&words[0], 1, MPI_INT, 1 - rank, 3, MPI_COMM_WORLD, &requests[0]);
    MPI_Irecv(&words[1], 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD,
              &requests[1]);
    MPI_Cancel(&requests[0]);
    MPI_Cancel(&requests[1]);
    MPI_Waitall(2, requests, statuses);
    for (int i = 0; i < 2; i++) {
        MPI_Test_cancelled(&statuses[i], &was);
        expect(was, 1);
    }
    MPI_Barrier(MPI_COMM_WORLD);
    take_turns(MPI_COMM_WORLD, rank);
}

static void to_itself(int rank, int size)
{
    int out = rank;
    int in = -1;
    MPI_Request request;
    (void)size;
    MPI_Sendrecv(&out, 1, MPI_INT, rank, 1, &in, 1, MPI_INT, rank, 1, MPI_COMM_WORLD,
                 MPI_STATUS_IGNORE);
    expect(in, rank);
    MPI_Irecv(&in, 1, MPI_INT, rank, 2, MPI_COMM_WORLD, &request);
    MPI_Ssend(&out, 1, MPI_INT, rank, 2, MPI_COMM_WORLD);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
    MPI_Issend(&out, 1, MPI_INT, 0, 3, MPI_COMM_SELF, &request);
    MPI_Recv(&in, 1, MPI_INT, 0, 3, MPI_COMM_SELF, MPI_STATUS_IGNORE);
    MPI_Wait(&request, MPI_STATUS_IGNORE);
    MPI_Barrier(MPI_COMM_SELF);
    take_turns(MPI_COMM_WORLD, rank);
}

static void to_nobody(int rank, int size)
{
    int words[3] = {0};
    int which;
    MPI_Request requests[3];
    (void)size;
    MPI_Ssend(words, 1, MPI_INT, MPI_PROC_NULL, 3, MPI_COMM_WORLD);
    MPI_Recv(words, 1, MPI_INT, MPI_PROC_NULL, 3, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Probe(MPI_PROC_NULL, 3, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Sendrecv(words, 1, MPI_INT, MPI_PROC_NULL, 3, words + 1, 1, MPI_INT,
                 MPI_PROC_NULL, 3, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Isend(words, 1, MPI_INT, MPI_PROC_NULL, 3, MPI_COMM_WORLD, &requests[0]);
    MPI_Irecv(words, 1, MPI_INT, MPI_PROC_NULL, 3, MPI_COMM_WORLD, &requests[1]);
    MPI_Irecv(words, 1, MPI_INT, 1 - rank, 9, MPI_COMM_WORLD, &requests[2]);
    for (int i = 0; i < 2; i++)
        MPI_Waitany(3, requests, &which, MPI_STATUS_IGNORE);
    take_turns(MPI_COMM_WORLD, rank);
    MPI_Send(words, 1, MPI_INT, 1 - rank, 9, MPI_COMM_WORLD);
    MPI_Waitall(3, requests, MPI_STATUSES_IGNORE);
}

/* Whoever comes first, by receives, probes and matched probes, with tags of any kind.
 */
static void whoever_comes(int rank, int size)
{
    enum {
        EACH = 60
    };
    int word;
    MPI_Status status;
    MPI_Message message;
    if (rank != 0) {
        for (int i = 0; i < EACH; i++)
            MPI_Ssend(&i, 1, MPI_INT, 0, i % 5, MPI_COMM_WORLD);
        return;
    }
    for (int i = 0; i < EACH * (size - 1); i++) {
        if (i % 40 == 0)
            usleep(A_WHILE);
        if (i % 3 == 0) {
            MPI_Recv(&word, 1, MPI_INT, MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD,
                     &status);
        } else if (i % 3 == 1) {
            MPI_Probe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &status);
            MPI_Recv(&word, 1, MPI_INT, status.MPI_SOURCE, status.MPI_TAG,
                     MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        } else {
            MPI_Mprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &message, &status);
            MPI_Mrecv(&word, 1, MPI_INT, &message, MPI_STATUS_IGNORE);
        }
    }
}

/* ---- generalized requests, C11 threads ---- */

static int query(void *state, MPI_Status *status)
{
    (void)state;
    MPI_Status_set_elements(status, MPI_INT, 0);
    MPI_Status_set_cancelled(status, 0);
    status->MPI_SOURCE = MPI_UNDEFINED;
    status->MPI_TAG = MPI_UNDEFINED;
    return MPI_SUCCESS;
}

static int let_go(void *state)
{
    (void)state;
    return MPI_SUCCESS;
}

static int cancel(void *state, int complete)
{
    (void)state;
    (void)complete;
    return MPI_SUCCESS;
}

static int complete_late(void *request)
{
    usleep(2 * A_WHILE);
    MPI_Grequest_complete(*(MPI_Request *)request);
    return 0;
}

static void generalized_request(int rank, int size)
{
    MPI_Request request;
    MPI_Request mine;
    thrd_t thread;
    (void)size;
    if (rank == 0) {
        MPI_Grequest_start(query, let_go, cancel, NULL, &request);
        mine = request;
        thrd_create(&thread, complete_late, &mine);
        MPI_Wait(&request, MPI_STATUS_IGNORE);
        thrd_join(thread, NULL);
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

static int send_late(void *unused)
{
    int word = 5;
    (void)unused;
    usleep(2 * A_WHILE);
    MPI_Send(&word, 1, MPI_INT, 0, 3, MPI_COMM_WORLD);
    return 0;
}

/* Only its own second thread, which is C's, can help the first. */
static void threads_of_c11(int rank, int size)
{
    thrd_t thread;
    int word = 0;
    (void)size;
    if (rank == 0) {
        thrd_create(&thread, send_late, NULL);
        MPI_Recv(&word, 1, MPI_INT, 0, 3, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        expect(word, 5);
        thrd_join(thread, NULL);
    }
    MPI_Barrier(MPI_COMM_WORLD);
}

/* ---- communicators, made and freed in many ways ---- */

static void nested(int rank, int size)
{
    for (int round = 0; round < 30; round++) {
        MPI_Comm twin;
        MPI_Comm half;
        MPI_Comm both;
        MPI_Comm row;
        MPI_Group group;
        MPI_Comm few;
        int dims[2] = {size / 2, 2};
        int wraps[2] = {0, 0};
        int keep[2] = {0, 1};
        int place;
        int sum;
        MPI_Comm_dup(MPI_COMM_WORLD, &twin);
        MPI_Comm_split(twin, rank % 2, -rank, &half);
        MPI_Cart_create(twin, 2, dims, wraps, 0, &both);
        MPI_Cart_sub(both, keep, &row);
        MPI_Comm_free(&twin);
        MPI_Comm_group(half, &group);
        MPI_Comm_create_group(MPI_COMM_WORLD, group, rank % 2, &few);
        MPI_Comm_rank(few, &place);
        if (round % 10 == 0 && rank == round / 10)
            usleep(A_WHILE);
        MPI_Allreduce(&place, &sum, 1, MPI_INT, MPI_SUM, row);
        MPI_Comm_free(&half);
        MPI_Comm_size(few, &sum);
        MPI_Sendrecv(&rank, 1, MPI_INT, (place + 1) % sum, 1, &sum, 1, MPI_INT,
                     (place + sum - 1) % sum, 1, few, MPI_STATUS_IGNORE);
        MPI_Comm_free(&few);
        MPI_Comm_free(&row);
        MPI_Comm_free(&both);
        MPI_Group_free(&group);
    }
}

/* ---- one-sided, every way to synchronise ---- */

static void active_target(int rank, int size, MPI_Win win, int *memory)
{
    MPI_Group all;
    MPI_Group left;
    MPI_Group right;
    int next = (rank + 1) % size;
    int before = (rank + size - 1) % size;
    int done = 0;
    MPI_Win_fence(MPI_MODE_NOPRECEDE, win);
    MPI_Put(&rank, 1, MPI_INT, next, 0, 1, MPI_INT, win);
    if (rank == 1)
        usleep(A_WHILE);
    MPI_Win_fence(MPI_MODE_NOSUCCEED, win);
    expect(memory[0], before);
    MPI_Win_get_group(win, &all);
    MPI_Group_incl(all, 1, &before, &left);
    MPI_Group_incl(all, 1, &next, &right);
    for (int round = 0; round < 4; round++) {
        MPI_Win_post(left, 0, win);
        if (rank == round)
            usleep(A_WHILE);
        MPI_Win_start(right, 0, win);
        MPI_Put(&round, 1, MPI_INT, next, 1, 1, MPI_INT, win);
        MPI_Win_complete(win);
        if (round % 2 == 0)
            MPI_Win_wait(win);
        for (done = round % 2 == 0; !done;)
            MPI_Win_test(win, &done);
        expect(memory[1], round);
    }
    MPI_Win_post(MPI_GROUP_EMPTY, 0, win);
    MPI_Win_start(MPI_GROUP_EMPTY, 0, win);
    MPI_Win_complete(win);
    MPI_Win_wait(win);
    MPI_Group_free(&left);
    MPI_Group_free(&right);
    MPI_Group_free(&all);
}

static void passive_target(int rank, int size, MPI_Win win)
{
    int one = 1;
    int got = -1;
    MPI_Barrier(MPI_COMM_WORLD);
    for (int i = 0; i < 3; i++) {
        MPI_Win_lock(MPI_LOCK_EXCLUSIVE, 0, 0, win);
        MPI_Accumulate(&one, 1, MPI_INT, 0, 2, 1, MPI_INT, MPI_SUM, win);
        MPI_Win_flush(0, win);
        if (i == 1)
            usleep(A_WHILE / 2);
        MPI_Win_unlock(0, win);
    }
    MPI_Win_lock_all(0, win);
    MPI_Fetch_and_op(&one, &got, MPI_INT, 0, 3, MPI_SUM, win);
    MPI_Win_flush_all(win);
    MPI_Win_flush_local_all(win);
    MPI_Win_unlock_all(win);
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_Win_lock(MPI_LOCK_SHARED, 0, 0, win);
    MPI_Get(&got, 1, MPI_INT, 0, 2, 1, MPI_INT, win);
    MPI_Win_flush_local(0, win);
    MPI_Win_unlock(0, win);
    expect(got, 3 * size);
    (void)rank;
}

static void one_sided(int rank, int size)
{
    MPI_Win win;
    int *memory;
    MPI_Win_allocate(8 * sizeof(int), sizeof(int), MPI_INFO_NULL, MPI_COMM_WORLD,
                     &memory, &win);
    memset(memory, 0, 8 * sizeof(int));
    MPI_Barrier(MPI_COMM_WORLD);
    active_target(rank, size, win, memory);
    passive_target(rank, size, win);
    if (rank == 0)
        usleep(A_WHILE);
    MPI_Win_free(&win);
}

/* ---- files ---- */

static void files(int rank, int size)
{
    char name[] = "/tmp/rota-tricky-XXXXXX";
    MPI_File file;
    int in = -1;
    if (rank == 0)
        close(mkstemp(name));
    MPI_Bcast(name, sizeof(name), MPI_CHAR, 0, MPI_COMM_WORLD);
    expect(MPI_File_open(MPI_COMM_WORLD, "/nowhere/at/all", MPI_MODE_RDONLY,
                         MPI_INFO_NULL, &file) != MPI_SUCCESS,
           1);
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_File_open(MPI_COMM_WORLD, name, MPI_MODE_RDWR, MPI_INFO_NULL, &file);
    MPI_File_set_view(file, rank * (int)sizeof(int), MPI_INT, MPI_INT, "native",
                      MPI_INFO_NULL);
    if (rank == 1)
        usleep(A_WHILE);
    MPI_File_write_all(file, &rank, 1, MPI_INT, MPI_STATUS_IGNORE);
    MPI_File_sync(file);
    MPI_Barrier(MPI_COMM_WORLD);
    MPI_File_read_at_all(file, 0, &in, 1, MPI_INT, MPI_STATUS_IGNORE);
    expect(in, rank);
    MPI_File_write_at_all_begin(file, 0, &rank, 1, MPI_INT);
    if (rank == 0)
        usleep(A_WHILE);
    MPI_File_write_at_all_end(file, &rank, MPI_STATUS_IGNORE);
    MPI_File_set_size(file, size * (int)sizeof(int));
    MPI_File_close(&file);
    MPI_Barrier(MPI_COMM_WORLD);
    if (rank == 0)
        unlink(name);
}

/* ---- processes of another world ---- */

static char self[4096];

static void spawned(int rank, int size)
{
    MPI_Comm parent;
    MPI_Comm other;
    MPI_Comm all;
    char *argv[] = {(char[]){"spawned"}, NULL};
    int word = 0;
    int sum = 0;
    (void)size;
    MPI_Comm_get_parent(&parent);
    if (parent == MPI_COMM_NULL)
        MPI_Comm_spawn(self, argv, 2, MPI_INFO_NULL, 0, MPI_COMM_WORLD, &other,
                       MPI_ERRCODES_IGNORE);
    else
        other = parent;
    MPI_Intercomm_merge(other, parent != MPI_COMM_NULL, &all);
    if (parent != MPI_COMM_NULL)
        usleep(2 * A_WHILE);
    if (rank == 0 && parent != MPI_COMM_NULL)
        MPI_Send(&word, 1, MPI_INT, 0, 3, other);
    if (rank == 0 && parent == MPI_COMM_NULL)
        MPI_Recv(&word, 1, MPI_INT, 0, 3, other, MPI_STATUS_IGNORE);
    MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, all);
    MPI_Comm_free(&all);
    MPI_Comm_disconnect(&other);
}

static void connected(int rank, int size)
{
    char port[MPI_MAX_PORT_NAME];
    MPI_Comm other;
    int word = 1;
    (void)size;
    if (rank == 0) {
        MPI_Open_port(MPI_INFO_NULL, port);
        MPI_Send(port, MPI_MAX_PORT_NAME, MPI_CHAR, 1, 1, MPI_COMM_WORLD);
        MPI_Comm_accept(port, MPI_INFO_NULL, 0, MPI_COMM_SELF, &other);
        usleep(A_WHILE);
        MPI_Send(&word, 1, MPI_INT, 0, 2, other);
    } else {
        MPI_Recv(port, MPI_MAX_PORT_NAME, MPI_CHAR, 0, 1, MPI_COMM_WORLD,
                 MPI_STATUS_IGNORE);
        usleep(A_WHILE);
        MPI_Comm_connect(port, MPI_INFO_NULL, 0, MPI_COMM_SELF, &other);
        MPI_Recv(&word, 1, MPI_INT, 0, 2, other, MPI_STATUS_IGNORE);
    }
    MPI_Comm_disconnect(&other);
    if (rank == 0)
        MPI_Close_port(port);
}

/* ---- ranks that are stopped, wherever they are ---- */

/* A process that stops this one for a while, again and again. */
static pid_t pester(int rank)
{
    pid_t rank_pid = getpid();
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    srand((unsigned)rank + 1);
    for (;;) {
        usleep((useconds_t)(rand() % 100000));
        kill(rank_pid, SIGSTOP);
        usleep((useconds_t)(rand() % A_WHILE));
        kill(rank_pid, SIGCONT);
    }
}

/* Rings of all kinds, for so many seconds, while all are pestered. */
static void go_round(MPI_Comm comm, int rank, int size, double seconds)
{
    int out = rank;
    int in;
    int which;
    pid_t pid = pester(rank);
    double began = MPI_Wtime();
    int on = 1;
    while (on) {
        int next = (rank + 1) % size;
        int before = (rank + size - 1) % size;
        MPI_Request requests[2];
        MPI_Irecv(&in, 1, MPI_INT, before, 1, comm, &requests[0]);
        MPI_Ssend(&out, 1, MPI_INT, next, 1, comm);
        MPI_Wait(&requests[0], MPI_STATUS_IGNORE);
        MPI_Irecv(&in, 1, MPI_INT, MPI_ANY_SOURCE, 2, comm, &requests[0]);
        MPI_Issend(&out, 1, MPI_INT, next, 2, comm, &requests[1]);
        MPI_Waitany(2, requests, &which, MPI_STATUS_IGNORE);
        MPI_Waitall(2, requests, MPI_STATUSES_IGNORE);
        MPI_Reduce(&out, &in, 1, MPI_INT, MPI_SUM, 0, comm);
        on = MPI_Wtime() - began < seconds;
        MPI_Bcast(&on, 1, MPI_INT, 0, comm);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void stopped_now_and_then(int rank, int size)
{
    go_round(MPI_COMM_WORLD, rank, size, 4);
}

/* What rank 0 has done in vain must not be counted against anybody. */
static void stopped_after_errors(int rank, int size)
{
    int word = 1;
    MPI_Comm twin;
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    if (rank == 0) {
        MPI_Send(&word, -1, MPI_INT, 1, 1, MPI_COMM_WORLD);
        MPI_Bcast(&word, 1, MPI_INT, size, MPI_COMM_WORLD);
    }
    go_round(MPI_COMM_WORLD, rank, size, 2);
    MPI_Comm_dup(MPI_COMM_WORLD, &twin);
    go_round(twin, rank, size, 2);
    MPI_Comm_free(&twin);
}

/* What a rank starts is no rank, and knows nothing of the guard. */
static void children(int rank, int size)
{
    (void)rank;
    (void)size;
    expect(system("case $LD_PRELOAD in *rota-guard-*) exit 1;; esac"), 0);
    expect(system("test -z \"$ROTA_GUARD_STATE\""), 0);
    take_turns(MPI_COMM_WORLD, rank);
}

/* tool.c is loaded too: what it defines is called, and calls on. */
static void counted_by_a_tool(int rank, int size)
{
    const int *sends = dlsym(RTLD_DEFAULT, "tool_sends");
    int word = rank;
    expect(sends != NULL, 1);
    for (int i = 0; sends != NULL && i < 5; i++) {
        MPI_Send(&word, 1, MPI_INT, (rank + 1) % size, 3, MPI_COMM_WORLD);
        MPI_Recv(&word, 1, MPI_INT, (rank + size - 1) % size, 3, MPI_COMM_WORLD,
                 MPI_STATUS_IGNORE);
        expect(*sends, i + 1);
    }
    take_turns(MPI_COMM_WORLD, rank);
}

static const struct guard_case cases[] = {
    {"errors-return", errors_return},
    {"truncated", truncated},
    {"cancelled", cancelled},
    {"to-itself", to_itself},
    {"to-nobody", to_nobody},
    {"whoever-comes", whoever_comes},
    {"generalized-request", generalized_request},
    {"threads-of-c11", threads_of_c11},
    {"nested", nested},
    {"one-sided", one_sided},
    {"files", files},
    {"spawned", spawned},
    {"connected", connected},
    {"children", children},
    {"counted-by-a-tool", counted_by_a_tool},
    {"stopped-now-and-then", stopped_now_and_then},
    {"stopped-after-errors", stopped_after_errors},
    {0},
};

int main(int argc, char **argv)
{
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    int threads = argc > 1 && (strcmp(argv[1], "threads-of-c11") == 0 ||
                               strcmp(argv[1], "generalized-request") == 0)
                      ? MPI_THREAD_MULTIPLE
                      : MPI_THREAD_SINGLE;
    return n < 1 ? 2 : cases_main(argc, argv, cases, threads);
}
