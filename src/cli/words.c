/* words.c - a command line, with more options in it */
#include "cli/words.h"

#include <stdlib.h>
#include <string.h>

static size_t bytes_of(char *const *words, int count)
{
    size_t bytes = 0;
    for (int i = 0; i < count; i++)
        bytes += strlen(words[i]) + 1;
    return bytes;
}

/* Returns where the next text goes. */
static char *copy(char **to, char *const *words, int count, char *text)
{
    for (int i = 0; i < count; i++) {
        to[i] = text;
        text = stpcpy(text, words[i]) + 1;
    }
    return text;
}

char **words_insert(char *const *words, int count, int at, char *const *more,
                    int more_count)
{
    size_t pointers = (size_t)(count + more_count + 1) * sizeof(char *);
    char **all =
        calloc(1, pointers + bytes_of(words, count) + bytes_of(more, more_count));
    if (all == NULL)
        return NULL;
    char *text = (char *)all + pointers;
    text = copy(all, words, at, text);
    text = copy(all + at, more, more_count, text);
    copy(all + at + more_count, words + at, count - at, text);
    return all;
}

int words_count(char *const *words)
{
    int count = 0;
    while (words[count] != NULL)
        count++;
    return count;
}
