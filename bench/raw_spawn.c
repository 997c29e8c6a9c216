/* raw_spawn.c - commands as fast as a bare loop starts them
 *
 *     raw_spawn AT_ONCE <LIST
 *
 * Runs `true` for each line of the list, so many at once, with posix_spawn and waitpid
 * and nothing else: no output is kept, nothing is said.
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int start(void)
{
    static char word[] = "true";
    char *argv[] = {word, NULL};
    pid_t pid;
    return posix_spawnp(&pid, word, NULL, NULL, argv, environ);
}

int main(int argc, char **argv)
{
    int at_once = argc == 2 ? atoi(argv[1]) : 0;
    int running = 0;
    char *line = NULL;
    size_t cap = 0;
    if (at_once < 1) {
        fprintf(stderr, "usage: raw_spawn AT_ONCE <LIST\n");
        return 2;
    }
    while (getline(&line, &cap, stdin) > 0) {
        if (running == at_once && wait(NULL) > 0)
            running--;
        if (start() != 0) {
            perror("raw_spawn");
            return 1;
        }
        running++;
    }
    free(line);
    while (running > 0 && wait(NULL) > 0)
        running--;
    return 0;
}
