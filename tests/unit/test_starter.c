/* test_starter.c - starter: processes, started one after another */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "execute/starter.h"

static char folder[64];
static char old_path[8192];

static char *in_folder(const char *name)
{
    static char path[4][512];
    static int next;
    char *to = path[next++ % 4];
    snprintf(to, sizeof(path[0]), "%s/%s", folder, name);
    return to;
}

static void make_file(const char *name, const char *text, size_t size, mode_t mode)
{
    int fd = open(in_folder(name), O_WRONLY | O_CREAT | O_TRUNC, mode);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), size);
    close(fd);
}

static void make_script(const char *name, const char *text, mode_t mode)
{
    make_file(name, text, strlen(text), mode);
}

/* Folders a and b, both in PATH before all others. */
static int setup(void **state)
{
    (void)state;
    char path[8400];
    snprintf(old_path, sizeof(old_path), "%s", getenv("PATH"));
    snprintf(folder, sizeof(folder), "/tmp/rota-test-XXXXXX");
    if (mkdtemp(folder) == NULL || mkdir(in_folder("a"), 0700) != 0 ||
        mkdir(in_folder("b"), 0700) != 0)
        return -1;
    snprintf(path, sizeof(path), "%s/no:%s/a:%s/b:%s", folder, folder, folder,
             old_path);
    return setenv("PATH", path, 1);
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    setenv("PATH", old_path, 1);
    snprintf(command, sizeof(command), "rm -r '%s'", folder);
    return system(command);
}

static void starter_end(struct starter *s)
{
    starter_done(s);
}

#define AUTO_STARTER __attribute__((cleanup(starter_end))) struct starter

/* What argv writes to standard output, its status in *status; -errno: it did not start.
 */
static int run_in(struct starter *s, const char *where, char **argv, char *text,
                  size_t size)
{
    int near, far, status;
    int process = -1;
    pid_t pid;
    size_t n = 0;
    assert_int_equal(starter_pipe(&near, &far, true), 0);
    struct starter_spec spec = {
        .argv = argv, .env = environ, .folder = where, .in = -1, .out = far, .err = 2};
    int rc = starter_start(s, &spec, &pid, &process);
    close(far);
    fcntl(near, F_SETFL, 0);
    for (ssize_t some = 1; rc == 0 && some > 0 && n < size - 1; n += (size_t)some)
        some = read(near, text + n, size - 1 - n);
    text[n] = '\0';
    close(near);
    if (rc != 0) {
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
        return -rc;
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    close(process);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run(struct starter *s, const char *name, const char *argument, char *text,
               size_t size)
{
    char *argv[] = {strdup(name), argument ? strdup(argument) : NULL, NULL};
    int rc = run_in(s, NULL, argv, text, size);
    free(argv[0]);
    free(argv[1]);
    return rc;
}

static void a_program_is_looked_for_in_path(void **state)
{
    (void)state;
    AUTO_STARTER s;
    char text[64];
    assert_int_equal(starter_init(&s), 0);
    make_script("a/tool", "#!/bin/sh\necho a\n", 0600); /* not to be executed */
    make_script("b/tool", "#!/bin/sh\necho b\n", 0700);
    assert_int_equal(run(&s, "tool", NULL, text, sizeof(text)), 0);
    assert_string_equal(text, "b\n");
    /* It goes on being found where it was, */
    chmod(in_folder("a/tool"), 0700);
    assert_int_equal(run(&s, "tool", NULL, text, sizeof(text)), 0);
    assert_string_equal(text, "b\n");
    /* and is looked for again where it is no more. */
    unlink(in_folder("b/tool"));
    assert_int_equal(run(&s, "tool", NULL, text, sizeof(text)), 0);
    assert_string_equal(text, "a\n");
    assert_int_equal(run(&s, "false", NULL, text, sizeof(text)), 1);
    unlink(in_folder("a/tool"));
    assert_int_equal(run(&s, "tool", NULL, text, sizeof(text)), -ENOENT);
    assert_int_equal(run(&s, "true", NULL, text, sizeof(text)), 0);
}

static void what_cannot_be_started_says_why(void **state)
{
    (void)state;
    AUTO_STARTER s;
    char text[64];
    char long_name[NAME_MAX + 2];
    memset(long_name, 'x', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    assert_int_equal(starter_init(&s), 0);
    make_script("a/locked", "#!/bin/sh\n", 0600);
    make_script("a/lost", "#!/no/such/interpreter\n", 0700);
    assert_int_equal(run(&s, "locked", NULL, text, sizeof(text)), -EACCES);
    assert_int_equal(run(&s, in_folder("a/locked"), NULL, text, sizeof(text)), -EACCES);
    assert_int_equal(run(&s, folder, NULL, text, sizeof(text)), -EACCES);
    assert_int_equal(run(&s, "/no/such", NULL, text, sizeof(text)), -ENOENT);
    assert_int_equal(run(&s, "lost", NULL, text, sizeof(text)), -ENOENT);
    assert_int_equal(run(&s, "", NULL, text, sizeof(text)), -ENOENT);
    assert_int_equal(run(&s, long_name, NULL, text, sizeof(text)), -ENAMETOOLONG);
    char word[] = "pwd";
    char *argv[] = {word, NULL};
    assert_int_equal(run_in(&s, "/no/such", argv, text, sizeof(text)), -ENOENT);
    assert_int_equal(run_in(&s, "/", argv, text, sizeof(text)), 0);
    assert_string_equal(text, "/\n");
}

static void too_many_words_are_refused(void **state)
{
    (void)state;
    AUTO_STARTER s;
    char text[8];
    enum {
        WORDS = 100,
        WORD = 100000
    };
    char *argv[WORDS + 2] = {strdup("true")};
    assert_int_equal(starter_init(&s), 0);
    for (int i = 1; i <= WORDS; i++) {
        argv[i] = malloc(WORD);
        memset(argv[i], 'x', WORD);
        argv[i][WORD - 1] = '\0';
    }
    assert_int_equal(run_in(&s, NULL, argv, text, sizeof(text)), -E2BIG);
    for (int i = 0; i <= WORDS; i++)
        free(argv[i]);
}

static void text_without_an_interpreter_is_a_shells(void **state)
{
    (void)state;
    AUTO_STARTER s;
    char text[64];
    assert_int_equal(starter_init(&s), 0);
    make_script("a/plain", "echo \"$# $1\"", 0700);
    make_script("a/empty", "", 0700);
    make_file("a/binary", "\177EL\0F\1\1", 7, 0700);
    assert_int_equal(run(&s, "plain", "a b", text, sizeof(text)), 0);
    assert_string_equal(text, "1 a b\n");
    assert_int_equal(run(&s, in_folder("a/plain"), NULL, text, sizeof(text)), 0);
    assert_string_equal(text, "0 \n");
    assert_int_equal(run(&s, "empty", NULL, text, sizeof(text)), 0);
    assert_int_equal(run(&s, "binary", NULL, text, sizeof(text)), -ENOEXEC);
    char word[] = "./plain";
    char *argv[] = {word, NULL};
    assert_int_equal(run_in(&s, in_folder("a"), argv, text, sizeof(text)), 0);
    assert_string_equal(text, "0 \n");
}

static void handler(int signal)
{
    (void)signal;
}

/* What this process ignores, as the kernel tells it, bit by bit. */
static uint64_t ignored(void)
{
    char line[128];
    uint64_t set = 0;
    FILE *f = fopen("/proc/self/status", "re");
    assert_non_null(f);
    while (fgets(line, sizeof(line), f) != NULL)
        sscanf(line, "SigIgn: %" SCNx64, &set);
    fclose(f);
    return set;
}

/* Whatever we were started with ignored, some signals of no name among it. */
static void a_program_begins_with_the_signals_that_it_should(void **state)
{
    (void)state;
    AUTO_STARTER s;
    char text[128];
    char want[64];
    sigset_t all, before;
    uint64_t given = ignored() | UINT64_C(1) << (SIGHUP - 1);
    const int ours[] = {SIGPIPE, SIGCHLD, SIGTTOU, SIGXFSZ};
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        given &= ~(UINT64_C(1) << (ours[i] - 1));
    assert_int_equal(starter_init(&s), 0);
    sigfillset(&all);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGUSR1, handler);
    sigprocmask(SIG_SETMASK, &all, &before);
    char grep[] = "grep", words[] = "^Sig[BI]", file[] = "/proc/self/status";
    char *argv[] = {grep, words, file, NULL};
    int rc = run_in(&s, NULL, argv, text, sizeof(text));
    sigprocmask(SIG_SETMASK, &before, NULL);
#ifndef __SANITIZE_THREAD__ /* whose table of handlers the two share */
    struct sigaction now;
    assert_int_equal(sigaction(SIGUSR1, NULL, &now), 0);
    assert_ptr_equal(now.sa_handler, handler); /* ours are as they were */
#endif
    signal(SIGUSR1, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    assert_int_equal(rc, 0);
    snprintf(want, sizeof(want), "SigBlk:\t%016x\nSigIgn:\t%016" PRIx64 "\n", 0, given);
    assert_string_equal(text, want);
}

/* Whatever numbers the descriptors have that it is given. */
static void descriptors_do_not_get_in_each_others_way(void **state)
{
    (void)state;
    AUTO_STARTER s;
    int near, far, status, process;
    pid_t pid;
    char text[64] = "";
    assert_int_equal(starter_init(&s), 0);
    assert_int_equal(starter_pipe(&near, &far, true), 0);
    int kept[3];
    for (int i = 0; i < 3; i++)
        kept[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
    int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
    /* standard output is what we read from, standard input what it writes to */
    dup2(far, 0);
    dup2(input, 1);
    char sh[] = "sh", c[] = "-c", script[] = "cat; echo out; echo err >&2";
    char *argv[] = {sh, c, script, NULL};
    struct starter_spec spec = {
        .argv = argv, .env = environ, .in = 1, .out = 0, .err = 0};
    int rc = starter_start(&s, &spec, &pid, &process);
    for (int i = 0; i < 3; i++) {
        dup2(kept[i], i);
        close(kept[i]);
    }
    close(far);
    close(input);
    assert_int_equal(rc, 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(read(near, text, sizeof(text)), 8);
    assert_string_equal(text, "out\nerr\n");
    close(near);
    close(process);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_is_looked_for_in_path),
        cmocka_unit_test(what_cannot_be_started_says_why),
        cmocka_unit_test(too_many_words_are_refused),
        cmocka_unit_test(text_without_an_interpreter_is_a_shells),
        cmocka_unit_test(a_program_begins_with_the_signals_that_it_should),
        cmocka_unit_test(descriptors_do_not_get_in_each_others_way),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
