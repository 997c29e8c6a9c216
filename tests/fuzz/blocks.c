/* blocks.c - what --pipe reads: cli/blocks.h, split.h
 *
 * Without a header and without stripping, blocks are the stream, cut; and where records
 * are lines, each block but the last ends with one. Patterns are a person's own, so
 * they are of a list.
 */
#include "fuzz.h"

#include <unistd.h>

#include "cli/blocks.h"

static const struct {
    const char *start;
    const char *end;
    bool regex;
} ways[] = {
    {NULL, NULL, false}, {NULL, "\\n", false},  {">", NULL, false},
    {"a", "b", false},   {"", "", false},       {NULL, "\\0", false},
    {"^>", "\\n", true}, {NULL, "[;,]+", true}, {"(", ")", false},
    {"x*", NULL, true},  {NULL, "$|ab", true},
};

static const char *const headers[] = {NULL, ":", "2", "#[^\\n]*\\n", "0"};

enum {
    WAYS = sizeof(ways) / sizeof(ways[0]),
    HEADERS = sizeof(headers) / sizeof(headers[0]),
};

static void read_blocks(int fd, const struct blocks_options *o,
                        const unsigned char *all, size_t size)
{
    struct blocks *b;
    struct rota_error err = {0};
    const char *data;
    size_t some;
    size_t at = 0;
    int rc;
    bool lines = o->recstart == NULL && o->recend == NULL;
    bool ended = true;
    must(blocks_open(fd, o, &b, &err) == 0);
    while ((rc = blocks_next(b, &data, &some, &err)) == 0) {
        must(some > 0 || o->strip || o->header != NULL);
        must(ended);
        if (o->strip || o->header != NULL)
            continue;
        must(some <= size - at && memcmp(data, all + at, some) == 0);
        at += some;
        ended = !lines || data[some - 1] == '\n';
    }
    must(rc == ROTA_E_NOTFOUND);
    must(o->strip || o->header != NULL || at == size);
    must(blocks_next(b, &data, &some, &err) == ROTA_E_NOTFOUND);
    blocks_close(b);
}

void fuzz_one(const unsigned char *data, size_t size)
{
    struct fuzz_bytes b = {data, size};
    uint8_t way = fuzz_take8(&b) % WAYS;
    uint8_t how = fuzz_take8(&b);
    struct blocks_options o = {
        .block_bytes = fuzz_take8(&b) + 1U,
        .recstart = ways[way].start,
        .recend = ways[way].end,
        .regex = ways[way].regex,
        .strip = how & 1,
        .records = how & 2 ? fuzz_take8(&b) % 8 : 0,
        .lines = how & 4 ? fuzz_take8(&b) % 4 : 0,
        .header = headers[how / 8 % HEADERS],
    };
    int fd = fuzz_file(b.at, b.left);
    read_blocks(fd, &o, b.at, b.left);
    close(fd);
}

static void seed(const char *name, char way, char how, const char *text)
{
    char out[512] = {way, how, 8, 2, 2};
    size_t head = 3U + (how & 2 ? 1U : 0U) + (how & 4 ? 1U : 0U);
    strcpy(out + head, text);
    fuzz_seed(name, out, head + strlen(text));
}

void fuzz_seeds(void)
{
    static const char lines[] = "one\ntwo\n\nthree and more\nfour\nlast";
    seed("lines", 0, 0, lines);
    seed("counted", 0, 2, lines);
    seed("in-twos", 0, 4, lines);
    seed("header", 0, 8, "name,age\na,1\nb,2\nc,3\n");
    seed("fasta", 2, 1, ">a\nACGT\n>b\nTTTT\nAAAA\n>c\nC\n");
    seed("regex", 7, 1, "a;b,,c;;d,e;f;g,h");
    seed("both", 3, 0, "xxbaxxbaxxbayy");
    seed("anywhere", 4, 0, "no records at all");
    seed("empty-match", 10, 1, "abababab\nab");
}
