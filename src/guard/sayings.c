/* sayings.c - the same, said of many ranks, is one line */
#include "guard/sayings.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "guard/words.h"
#include "rota.h"

struct saying {
    char *text;
    const char *one;
    const char *many;
    int64_t ns; /* of the rank of which it has been so the longest */
    int *ranks;
    size_t count;
};

void sayings_init(struct sayings *s)
{
    *s = (struct sayings){0};
}

void sayings_done(struct sayings *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->list[i].text);
        free(s->list[i].ranks);
    }
    free(s->list);
}

FILE *sayings_begin(struct sayings *s, const char *one, const char *many)
{
    s->text = NULL;
    s->one = one;
    s->many = many;
    s->open = open_memstream(&s->text, &s->size);
    if (s->open == NULL)
        s->failed = ROTA_E_NOMEM;
    return s->open;
}

static struct saying *find(struct sayings *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->list[i].one == s->one && strcmp(s->list[i].text, s->text) == 0)
            return &s->list[i];
    }
    return NULL;
}

static struct saying *add(struct sayings *s)
{
    struct saying *list = reallocarray(s->list, s->count + 1, sizeof(*list));
    if (list == NULL)
        return NULL;
    s->list = list;
    list[s->count] =
        (struct saying){.text = s->text, .one = s->one, .many = s->many, .ns = -1};
    s->text = NULL;
    return &list[s->count++];
}

static int add_rank(struct saying *saying, int rank, int64_t ns)
{
    int *ranks = reallocarray(saying->ranks, saying->count + 1, sizeof(*ranks));
    if (ranks == NULL)
        return ROTA_E_NOMEM;
    saying->ranks = ranks;
    ranks[saying->count++] = rank;
    saying->ns = ns > saying->ns ? ns : saying->ns;
    return 0;
}

void sayings_end(struct sayings *s, int rank, int64_t ns)
{
    bool well = ferror(s->open) == 0;
    if (fclose(s->open) == 0 && well && s->failed == 0) {
        struct saying *saying = find(s);
        if (saying == NULL)
            saying = add(s);
        s->failed = saying == NULL ? ROTA_E_NOMEM : add_rank(saying, rank, ns);
    } else {
        s->failed = ROTA_E_NOMEM;
    }
    free(s->text);
    s->text = NULL;
}

int sayings_write(const struct sayings *s, FILE *to, size_t most)
{
    for (size_t i = 0; s->failed == 0 && i < s->count && i < most; i++) {
        const struct saying *saying = &s->list[i];
        fputs("  ", to);
        words_ranks(to, saying->ranks, saying->count);
        fprintf(to, " %s%s", saying->count == 1 ? saying->one : saying->many,
                saying->text);
        if (saying->ns >= NS_PER_MS) {
            fputs(", for ", to);
            words_duration(to, saying->ns);
        }
        fputs("\n", to);
    }
    if (s->failed == 0 && s->count > most)
        fprintf(to, "  ... and %zu lines more like these\n", s->count - most);
    return s->failed;
}
