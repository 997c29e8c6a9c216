/* run_file.c - make a run file, for tests of what reads it
 *
 *     run_file end FILE    of a run that has ended: 4 tasks done, 1 failed, 1 left
 *     run_file die FILE    of one that was killed then
 *     run_file hold FILE   of one that goes on until it is killed; says "ready"
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/store.h"

static void add(struct store *s, uint64_t number, const char *argument, int code,
                const char *out)
{
    uint64_t task;
    struct store_result r = {
        .task = number,
        .outcome = code ? ROTA_FAILED : ROTA_DONE,
        .code = code,
        .reason = code ? "exited with status 3" : NULL,
        .rank = (int)number % 2 + 1,
        .took_ns = 20000000,
        .out = out,
        .out_bytes = out ? strlen(out) : 0,
    };
    store_add_task(s, argument, strlen(argument) + 1, &task, NULL);
    if (out != NULL)
        store_add_result(s, &r, NULL);
}

int main(int argc, char **argv)
{
    static char word[] = "bc";
    char *words[] = {word};
    struct store_start start = {.version = "test",
                                .command = "bc <<< {}",
                                .folder = "/",
                                .words = words,
                                .word_count = 1};
    struct store *s;
    struct rota_error err;
    if (argc != 3 || store_create(argv[2], &start, &s, &err) != 0) {
        fprintf(stderr, "run_file: %s\n", argc == 3 ? err.text : "wrong words");
        return 2;
    }
    store_worker_came(s, 1, "node1", 2, NULL);
    store_worker_came(s, 2, "node2", 2, NULL);
    add(s, 1, "100 / 5", 0, "20.00\n");
    add(s, 2, "200 + 5", 0, "205\n");
    add(s, 3, "300 \"- 5", 3, "oops\nand more\n");
    add(s, 4, "400 * 5", 0, "\xff\x01\n");
    add(s, 5, "500 / 5", 0, "100.00\n");
    add(s, 6, "600 + 5", 0, NULL);
    store_worker_went(s, 2, "was killed by signal 9 (SIGKILL)", NULL);
    store_listed(s, NULL);
    if (store_flush(s, &err) != 0)
        return 3;
    if (strcmp(argv[1], "die") == 0)
        raise(SIGKILL);
    if (strcmp(argv[1], "hold") == 0) {
        printf("ready\n");
        fflush(stdout);
        pause();
    }
    store_end(s, 3, "no worker is left", NULL);
    store_close(s);
    return 0;
}
