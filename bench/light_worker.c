/* light_worker.c - a persistent program that does nothing (bench/worker) */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD "{\"task\":"

int main(void)
{
    char *line = NULL;
    size_t cap = 0;
    while (getline(&line, &cap, stdin) > (ssize_t)sizeof(HEAD)) {
        printf("{\"task\":%s,\"result\":1}\n",
               strtok(line + sizeof(HEAD) - 1, ",")); /* its number, as it came */
        fflush(stdout);
    }
    free(line);
    return 0;
}
