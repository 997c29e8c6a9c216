/* raw_spawn.c - commands as fast as a bare loop starts them
 *
 *     raw_spawn AT_ONCE COMMAND <LIST
 *
 * Runs `COMMAND LINE` for each line of the list, so many at once, with posix_spawn and
 * wait and nothing else: no output is kept, nothing is said. The line is an argument as
 * it is of those that this is compared with, and not for looks: `true` without one does
 * not read the locale's files, and ends in two thirds of the time.
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int start(char *command, char *line)
{
    char *argv[] = {command, line, NULL};
    pid_t pid;
    return posix_spawnp(&pid, command, NULL, NULL, argv, environ);
}

int main(int argc, char **argv)
{
    int at_once = argc == 3 ? atoi(argv[1]) : 0;
    int running = 0;
    char *line = NULL;
    size_t cap = 0;
    if (at_once < 1) {
        fprintf(stderr, "usage: raw_spawn AT_ONCE COMMAND <LIST\n");
        return 2;
    }
    while (getline(&line, &cap, stdin) > 0) {
        if (running == at_once && wait(NULL) > 0)
            running--;
        line[strcspn(line, "\n")] = '\0';
        if (start(argv[2], line) != 0) {
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
