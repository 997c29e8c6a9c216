/* proof_of_hang.c - give a command some seconds, then kill it and show how far it got
 *
 *     proof_of_hang [--seconds S] [--] [COMMAND [ARG...]]
 *
 * The notebook's failure simulation. Without a command it is fail_mpi beside this
 * program, on 4 ranks, with the launcher that ROTA_MPIEXEC names, or else the one of
 * the MPI that this was built with. Uses no MPI itself. When the time is over it kills
 * the whole process tree, and removes the shared memory and the temporary files that
 * killed MPI programs leave.
 *
 * Exit status: 0 if it hung, 1 if it ended by itself, 2 if it could not be started.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fell.h"
#include "base/scratch.h"
#include "base/tree.h"

enum exit_status {
    EXIT_HUNG = 0,
    EXIT_ENDED = 1,
    EXIT_TROUBLE = 2,
};

struct options {
    double seconds;
    char **command; /* NULL: the default */
};

/* What came out of a pipe so far. */
struct output {
    int fd; /* -1 when it has ended */
    char *text;
    size_t len;
};

struct run {
    pid_t pid;
    struct output streams[2]; /* standard output, standard error */
};

/* --- the command ------------------------------------------------------------------ */

/* The environment in which any mpiexec starts 4 ranks here: as root, and on fewer
 * cores. The notebook's cell 4 sets the first two. */
static void prepare_environment(void)
{
    setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
    setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
    setenv("OMPI_MCA_rmaps_base_oversubscribe", "1", 1);
    setenv("PRTE_MCA_rmaps_default_mapping_policy", ":oversubscribe", 1);
}

/* "fail_mpi" in this program's own folder. */
static char *beside_us(const char *name)
{
    char self[4096];
    char *path = NULL;
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    self[n > 0 ? n : 0] = '\0';
    char *slash = strrchr(self, '/');
    if (slash != NULL)
        *slash = '\0';
    return asprintf(&path, "%s/%s", self, name) < 0 ? NULL : path;
}

static int start(char **command, struct run *r)
{
    int out[2];
    int err[2];
    if (pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0)
        return errno;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_adddup2(&actions, err[1], 2);
    int rc = posix_spawnp(&r->pid, command[0], &actions, NULL, command, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    close(err[1]);
    r->streams[0].fd = out[0];
    r->streams[1].fd = err[0];
    return rc;
}

static int start_default(struct run *r)
{
    const char *env = getenv("ROTA_MPIEXEC");
    rota_auto(heap) char *launcher = strdup(env && env[0] ? env : ROTA_MPIEXEC);
    rota_auto(heap) char *program = beside_us("fail_mpi");
    char flag[] = "-n";
    char ranks[] = "4";
    char *command[] = {launcher, flag, ranks, program, NULL};
    return launcher && program ? start(command, r) : ENOMEM;
}

/* --- its output ------------------------------------------------------------------- */

/* Take what there is. At the end of the pipe, or without memory, fd becomes -1. */
static void take(struct output *o)
{
    char buf[4096];
    ssize_t n = read(o->fd, buf, sizeof(buf));
    if (n < 0 && errno == EINTR)
        return;
    char *text = n > 0 ? realloc(o->text, o->len + (size_t)n) : NULL;
    if (text == NULL) {
        close(o->fd);
        o->fd = -1;
        return;
    }
    memcpy(text + o->len, buf, (size_t)n);
    o->text = text;
    o->len += (size_t)n;
}

/* Take what comes until both pipes have ended: whether they did so in time. */
static bool take_until(struct run *r, int64_t deadline_ns)
{
    struct output *s = r->streams;
    while (s[0].fd >= 0 || s[1].fd >= 0) {
        struct pollfd fds[2] = {{.fd = s[0].fd, .events = POLLIN},
                                {.fd = s[1].fd, .events = POLLIN}};
        int ready = poll(fds, 2, clock_poll_ms(deadline_ns, clock_now_ns()));
        if (ready == 0)
            return false;
        for (int i = 0; ready > 0 && i < 2; i++)
            if (s[i].fd >= 0 && fds[i].revents != 0)
                take(&s[i]);
    }
    return true;
}

static bool wait_until(pid_t pid, int64_t deadline_ns, int *status)
{
    while (waitpid(pid, status, WNOHANG) != pid) {
        if (clock_now_ns() >= deadline_ns)
            return false;
        nanosleep(&(struct timespec){.tv_nsec = 10 * NS_PER_MS}, NULL);
    }
    return true;
}

/* --- what is said ----------------------------------------------------------------- */

static void print_output(const struct run *r)
{
    fflush(stdout);
    fwrite(r->streams[1].text, 1, r->streams[1].len, stderr);
    fwrite(r->streams[0].text, 1, r->streams[0].len, stdout);
    printf("\n");
}

static void print_line(char of, int length)
{
    for (int i = 0; i < length; i++)
        putchar(of);
    putchar('\n');
}

static void print_proof(double seconds)
{
    printf("\n");
    print_line('=', 55);
    printf("[SUCCESS] PROOF OF HANG:\n"
           "The system froze waiting for Process 2.\n"
           "The execution was forcefully terminated after %g seconds.\n",
           seconds);
    print_line('=', 55);
}

static void print_status(int status)
{
    if (WIFEXITED(status))
        printf("It ended by itself, with status %d: no hang.\n", WEXITSTATUS(status));
    else
        printf("It ended by itself, by signal %d: no hang.\n", WTERMSIG(status));
}

static int watch(struct run *r, double seconds)
{
    int status;
    int64_t deadline = clock_now_ns() + (int64_t)(seconds * 1e9);
    bool ended = take_until(r, deadline) && wait_until(r->pid, deadline, &status);
    if (tree_fell(clock_now_ns() + 10 * NS_PER_SEC) != 0)
        fprintf(stderr, "proof_of_hang: some processes could not be killed\n");
    take_until(r, clock_now_ns() + NS_PER_SEC); /* what it had written before */
    print_output(r);
    if (ended)
        print_status(status);
    else
        print_proof(seconds);
    return ended ? EXIT_ENDED : EXIT_HUNG;
}

static int run(const struct options *o)
{
    struct run r = {.pid = -1};
    printf("Executing command...\n"
           "Limit: %g seconds before force-kill...\n",
           o->seconds);
    print_line('-', 50);
    fflush(stdout);
    int rc = o->command ? start(o->command, &r) : start_default(&r);
    if (rc != 0) {
        fprintf(stderr, "proof_of_hang: cannot start '%s': %s\n",
                o->command ? o->command[0] : "mpiexec", strerror(rc));
        return EXIT_TROUBLE;
    }
    int status = watch(&r, o->seconds);
    free(r.streams[0].text);
    free(r.streams[1].text);
    return status;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 's':
        o->seconds = strtod(arg, NULL);
        if (!(o->seconds > 0))
            argp_error(state, "--seconds '%s': not a number above 0", arg);
        return 0;
    case ARGP_KEY_ARGS:
        o->command = state->argv + state->next;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int main(int argc, char **argv)
{
    static const struct argp_option table[] = {
        {"seconds", 's', "S", 0, "how long the command may take (5)", 0},
        {0},
    };
    const struct argp argp = {
        table,
        parse,
        "[COMMAND [ARG...]]",
        "Give a command some seconds, then kill it and show how far it got. Without a "
        "command: the notebook's failing program, fail_mpi, on 4 ranks.",
        NULL,
        NULL,
        NULL};
    struct options o = {.seconds = 5};
    argp_err_exit_status = EXIT_TROUBLE;
    argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &o);

    char *scratch = NULL;
    if (tree_adopt() != 0 || scratch_make(&scratch) != 0) {
        fprintf(stderr, "proof_of_hang: cannot set up: %s\n", strerror(errno));
        return EXIT_TROUBLE;
    }
    prepare_environment();
    int status = run(&o);
    scratch_remove(scratch, NULL);
    return status;
}
