/* blocks.c - a stream in blocks of whole records: what --pipe gives to commands
 *
 * The buffer is filled up to the next multiple of the block's size before it is looked
 * at, as GNU parallel does: so both cut a stream at the same places.
 */
#include "cli/blocks.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "cli/blob.h"
#include "cli/split.h"

enum {
    PIPE_BYTES = 1 << 20, /* of a pipe that is read: as large as anyone may have it */
    FLOWING_MS = 1,       /* to wait for more, where something has just come */
};

struct blocks {
    struct blocks_options options;
    struct split *split;
    int fd;
    size_t block_bytes; /* grows with the longest record */
    struct blob in;     /* read, and not given yet: from `from` on */
    size_t from;
    bool full;   /* up to a multiple of block_bytes: may be cut */
    bool passed; /* something was, since it was filled */
    bool at_end;
    bool has_header; /* it was looked for */
    bool bare;       /* blocks come without it */
    struct blob header;
    struct blob out; /* a block that is not as it was read */
};

/* ---- reading ----------------------------------------------------------------- */

/* Make room for `size` bytes behind what is there, and a 0 byte behind them: some
 * implementations of regexec look for one. */
static int reserve(struct blocks *b, size_t size)
{
    size++;
    if (b->from > 0) {
        b->in.size -= b->from;
        memmove(b->in.data, b->in.data + b->from, b->in.size);
        b->from = 0;
    }
    if (b->in.cap - b->in.size >= size && b->in.data != NULL)
        return 0;
    char *data = realloc(b->in.data, b->in.size + size);
    if (data == NULL)
        return ROTA_E_NOMEM;
    b->in.data = data;
    b->in.cap = b->in.size + size;
    return 0;
}

/* Read up to the next multiple, or to the end. */
static int fill(struct blocks *b, struct rota_error *err)
{
    for (int wait_ms = 0; !b->full; wait_ms = FLOWING_MS) {
        size_t held = b->in.size - b->from;
        size_t left = b->block_bytes - held % b->block_bytes;
        struct pollfd p = {.fd = b->fd, .events = POLLIN};
        if (reserve(b, left) != 0)
            return error_set(err, ROTA_E_NOMEM, "out of memory for a block");
        if (poll(&p, 1, wait_ms) == 0)
            return ROTA_E_TIMEOUT;
        ssize_t n = read(b->fd, b->in.data + b->in.size, left);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return ROTA_E_TIMEOUT;
        if (n < 0)
            return error_set(err, ROTA_E_IO, "cannot read records: %s",
                             strerror(errno));
        b->in.size += (size_t)n;
        b->in.data[b->in.size] = '\0';
        b->at_end = n == 0;
        b->full = b->at_end || (size_t)n == left;
        b->passed = false;
    }
    return 0;
}

/* Nothing ends within what was read: read more at once. */
static int grow(struct blocks *b, struct rota_error *err)
{
    if (!b->passed) {
        if (b->block_bytes >= BLOCKS_MOST_BYTES)
            return error_set(err, ROTA_E_FORMAT,
                             "a record is longer than %zu bytes; do --recstart and "
                             "--recend say where records end?",
                             b->block_bytes);
        b->block_bytes = 1 + (b->block_bytes * 13 + 9) / 10; /* as GNU parallel */
        if (b->block_bytes > BLOCKS_MOST_BYTES)
            b->block_bytes = BLOCKS_MOST_BYTES;
    }
    b->full = false;
    return 0;
}

/* ---- the header -------------------------------------------------------------- */

/* As an expression: ':' is a line, a number so many. NULL without memory. */
static char *header_pattern(const char *header)
{
    char *pattern = NULL;
    char *end;
    unsigned long lines = strcmp(header, ":") == 0 ? 1 : strtoul(header, &end, 10);
    bool counted = strcmp(header, ":") == 0 || (*header != '\0' && *end == '\0');
    int n = counted ? asprintf(&pattern, "^(.*\n){%lu}", lines)
                    : asprintf(&pattern, "^(%s)", header);
    if (n < 0)
        return NULL;
    split_unescape_regex(pattern);
    return pattern;
}

static int fail_header(const struct blocks *b, int rc, const regex_t *regex,
                       struct rota_error *err)
{
    char why[160];
    regerror(rc, regex, why, sizeof(why));
    return error_set(err, ROTA_E_ARG,
                     "--header '%s' is no extended regular expression: %s",
                     b->options.header, why);
}

static int find_header(struct blocks *b, struct rota_error *err)
{
    regex_t regex;
    regmatch_t m = {.rm_eo = (regoff_t)(b->in.size - b->from)};
    if (b->has_header || b->options.header == NULL)
        return 0;
    rota_auto(heap) char *pattern = header_pattern(b->options.header);
    if (pattern == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    int rc = regcomp(&regex, pattern, REG_EXTENDED | REG_NEWLINE);
    if (rc != 0)
        return fail_header(b, rc, &regex, err);
    rc = m.rm_eo > 0 ? regexec(&regex, b->in.data + b->from, 1, &m, REG_STARTEND)
                     : REG_NOMATCH;
    regfree(&regex);
    bool found = rc == 0 && m.rm_so == 0;
    b->has_header = found || b->at_end || b->in.size - b->from > BLOCKS_MOST_BYTES;
    b->full = b->at_end;
    if (!found)
        return 0;
    if (blob_put(&b->header, b->in.data + b->from, (size_t)m.rm_eo) != 0)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    b->from += (size_t)m.rm_eo;
    return 0;
}

/* ---- cutting ----------------------------------------------------------------- */

/* Behind `count` records: 0: there are not so many. */
static size_t cut_records(const struct blocks *b, const char *data, size_t size,
                          size_t count)
{
    struct split_place p = {0};
    if (split_is_empty(b->split))
        return count < size ? count : 0;
    for (size_t from = 0; count > 0; count--) {
        if (!split_next(b->split, data, size, from, &p))
            return 0;
        from = p.end > p.begin ? p.cut + (p.cut == p.begin) : p.begin + 1;
    }
    return p.cut;
}

/* Behind as many lines as are a multiple of `lines`. */
static size_t cut_lines(const char *data, size_t size, size_t lines)
{
    size_t cut = 0;
    size_t count = 0;
    for (const char *at = data; size > 0; count++) {
        at = memchr(at, '\n', size - (size_t)(at - data));
        if (at == NULL)
            break;
        at++;
        if ((count + 1) % lines == 0)
            cut = (size_t)(at - data);
    }
    return cut;
}

/* Where the next block ends in what is there; 0: it does not. */
static size_t next_cut(const struct blocks *b)
{
    const char *data = b->in.data + b->from;
    size_t size = b->in.size - b->from;
    size_t lines = b->options.lines > 0 ? b->options.lines : 1;
    size_t cut = 0;
    if (size == 0)
        return 0;
    if (b->options.records > 0)
        cut = cut_records(b, data, size, b->options.records * lines);
    else if (b->options.lines > 0)
        cut = b->passed ? 0 : cut_lines(data, size, b->options.lines);
    else if (!b->at_end && !b->passed && split_last(b->split, data, size, &cut))
        return cut;
    return cut == 0 && b->at_end ? size : cut;
}

static int give(struct blocks *b, size_t cut, const char **data, size_t *size,
                struct rota_error *err)
{
    const char *from = b->in.data + b->from;
    b->from += cut;
    b->passed = true;
    size_t header = b->bare ? 0 : b->header.size;
    if (header == 0 && !b->options.strip) {
        *data = from;
        *size = cut;
        return 0;
    }
    b->out.size = 0;
    if (blob_put(&b->out, b->header.data, header) != 0 ||
        blob_put(&b->out, from, cut) != 0 || blob_put(&b->out, "", 1) != 0)
        return error_set(err, ROTA_E_NOMEM, "out of memory for a block");
    b->out.size--;
    if (b->options.strip)
        b->out.size = header + split_strip(b->split, b->out.data + header, cut);
    *data = b->out.data;
    *size = b->out.size;
    return 0;
}

int blocks_next(struct blocks *b, const char **data, size_t *size,
                struct rota_error *err)
{
    for (;;) {
        int rc = fill(b, err);
        if (rc == 0)
            rc = find_header(b, err);
        if (rc != 0)
            return rc;
        if (!b->full)
            continue; /* the header is out of it, or not wholly in it */
        size_t cut = next_cut(b);
        if (cut > 0)
            return give(b, cut, data, size, err);
        if (b->at_end)
            return ROTA_E_NOTFOUND;
        rc = grow(b, err);
        if (rc != 0)
            return rc;
    }
}

void blocks_with_header(struct blocks *b, bool with)
{
    b->bare = !with;
}

/* ---- opening ----------------------------------------------------------------- */

int blocks_open(int fd, const struct blocks_options *options, struct blocks **out,
                struct rota_error *err)
{
    rota_auto(blocks) struct blocks *b = calloc(1, sizeof(*b));
    if (b == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    b->options = *options;
    b->block_bytes = options->block_bytes;
    b->fd = fd;
    fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES); /* if it is a pipe: fewer, longer reads */
    int rc =
        split_new(options->recstart, options->recend, options->regex, &b->split, err);
    if (rc != 0)
        return rc;
    *out = rota_steal(b);
    return 0;
}

void blocks_close(struct blocks *b)
{
    if (b == NULL)
        return;
    split_free(b->split);
    blob_done(&b->in);
    blob_done(&b->header);
    blob_done(&b->out);
    free(b);
}
