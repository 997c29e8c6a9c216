/* template.c - the command a person wrote once, and its arguments
 *
 * A template is its pieces: text, the end of a word, and fields. A shell is needed for
 * its metacharacters, for an assignment before the command, and for the commands that
 * it has built in and nobody else has. Replacement strings are ours, any other brace is
 * the shell's.
 */
#include "cli/template.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/fields.h"
#include "cli/quote.h"

enum piece_kind {
    PIECE_TEXT,
    PIECE_BREAK, /* between two words */
    PIECE_FIELD,
};

enum {
    SHOWN_MAX = 80, /* bytes of an argument in an error */
};

struct piece {
    enum piece_kind kind;
    struct slice text;
    struct field field;
    struct quote at; /* how the shell reads the field's place */
    size_t repeat;   /* so many pieces, from here on, are there for each argument; 0 */
};

struct template
{
    struct blob text; /* what was written, and what the pieces point into */
    struct piece *pieces;
    size_t count;
    const char *program; /* the shell; or NULL */
    bool empty;
    bool quote;
    bool named;
    bool fields; /* there is a replacement string */
    bool slot;   /* and among them one that only the shell will know */
    bool shell;
};

/* ---- whether a shell is needed ----------------------------------------------- */

static const char metacharacters[] = "|&;<>()$`\\\"'*?[]#~!{}\n\t";

static const char operators[] = ";&|<>()`\n";

static const char *const builtins[] = {
    ".",    ":",        "alias",  "bg",    "cd",      "command", "eval",
    "exec", "exit",     "export", "fg",    "getopts", "hash",    "jobs",
    "read", "readonly", "set",    "shift", "source",  "times",   "trap",
    "type", "ulimit",   "umask",  "unset", "wait",
};

static bool is_builtin(const char *text)
{
    size_t length = strcspn(text, " ");
    for (size_t i = 0; i < sizeof(builtins) / sizeof(builtins[0]); i++)
        if (strlen(builtins[i]) == length && strncmp(text, builtins[i], length) == 0)
            return true;
    return false;
}

static bool begins_for_shell(const char *text)
{
    text += strspn(text, " ");
    return memchr(text, '=', strcspn(text, " ")) != NULL || is_builtin(text);
}

static bool line_needs_shell(const char *text)
{
    return strpbrk(text, metacharacters) != NULL || begins_for_shell(text);
}

static bool needs_shell(const struct template *t)
{
    if (t->slot)
        return true;
    if (t->quote)
        return false;
    if (t->program != NULL)
        return true;
    for (size_t i = 0; i < t->count; i++) {
        const struct piece *p = &t->pieces[i];
        for (size_t j = 0; p->kind == PIECE_TEXT && j < p->text.size; j++)
            if (strchr(metacharacters, p->text.data[j]) != NULL)
                return true;
    }
    return begins_for_shell(t->text.data);
}

/* ---- pieces ------------------------------------------------------------------ */

static struct piece *add_piece(struct template *t, enum piece_kind kind)
{
    struct piece *p = &t->pieces[t->count++];
    *p = (struct piece){.kind = kind};
    return p;
}

static void add_text(struct template *t, const char *from, const char *to)
{
    if (to > from)
        add_piece(t, PIECE_TEXT)->text =
            (struct slice){.data = from, .size = (size_t)(to - from)};
}

static void add_field(struct template *t, struct field field)
{
    add_piece(t, PIECE_FIELD)->field = field;
    t->fields = true;
    t->slot =
        t->slot || field.kind == FIELD_SLOT || (field.kind == FIELD_VALUE && t->named);
}

/* Cut up a text that ends with a 0 byte. */
static void cut(struct template *t, const char *text,
                const struct template_options *options)
{
    struct field field;
    const char *from = text;
    if (*text == '\0' && t->quote) /* a word is a word */
        add_piece(t, PIECE_TEXT)->text.data = text;
    while (*text != '\0') {
        size_t n = field_parse(text, options->place, options->names, &field);
        if (n == 0 && (*text != ' ' || t->quote)) {
            text++;
            continue;
        }
        add_text(t, from, text);
        if (n == 0)
            add_piece(t, PIECE_BREAK);
        else
            add_field(t, field);
        from = text += n > 0 ? n : 1;
    }
    add_text(t, from, text);
}

/* Join the words by spaces or, where each stands as it is, by 0 bytes. */
static int join(struct template *t, char *const *words, int count)
{
    for (int i = 0; i < count; i++) {
        int rc = blob_put_string(&t->text, words[i]);
        if (rc != 0)
            return rc;
        if (i + 1 < count && !t->quote)
            t->text.data[t->text.size - 1] = ' ';
    }
    return count > 0 ? 0 : blob_put(&t->text, "", 1);
}

static void cut_all(struct template *t, const struct template_options *options)
{
    const char *end = t->text.data + t->text.size;
    for (const char *word = t->text.data; word < end; word += strlen(word) + 1) {
        if (word > t->text.data)
            add_piece(t, PIECE_BREAK);
        cut(t, word, options);
    }
    if (!t->empty && !t->fields && !options->bare) {
        add_piece(t, PIECE_BREAK);
        add_field(t, (struct field){.kind = FIELD_VALUE});
    }
}

/* Note for each field how the shell reads its place. */
static int place_fields(struct template *t, struct rota_error *err)
{
    struct quote q = {0};
    for (size_t i = 0; i < t->count && !t->quote; i++) {
        struct piece *p = &t->pieces[i];
        if (p->kind == PIECE_FIELD) {
            if (quote_lost(&q) != NULL)
                return error_set(err, ROTA_E_ARG,
                                 "an argument within or behind %s can't be made safe "
                                 "from the shell; pass it to a script instead",
                                 quote_lost(&q));
            p->at = q;
            q.before = 'x';
        } else {
            bool text = p->kind == PIECE_TEXT;
            quote_walk(&q, text ? p->text.data : " ", text ? p->text.size : 1);
        }
    }
    return 0;
}

/* Whether the shell reads on behind a text as it did before it. */
static bool is_same_place(const struct quote *a, const struct quote *b)
{
    return a->depth == b->depth && memcmp(a->in, b->in, (size_t)a->depth + 1) == 0 &&
           !a->escaped && !b->escaped;
}

/* Walk over a text. Whether there is an operator of the shell's in it, which ends a
 * command or a word. */
static bool walk_over_operator(struct quote *q, const struct slice *text)
{
    bool found = false;
    for (size_t i = 0; i < text->size; i++) {
        unsigned char in = q->in[q->depth];
        bool read = !q->escaped && (in == IN_PLAIN || in == IN_PAREN || in == IN_BACK);
        found = found || (read && strchr(operators, text->data[i]) != NULL);
        quote_walk(q, text->data + i, 1);
    }
    return found;
}

/* Find the words that are to be repeated for each argument. */
static void mark_repeats(struct template *t)
{
    struct quote q = {0};
    struct quote begin = q;
    size_t first = 0;
    bool has_all = false;
    bool is_word = true;
    for (size_t i = 0; i <= t->count; i++) {
        const struct piece *p = &t->pieces[i];
        if (i < t->count && p->kind == PIECE_FIELD) {
            has_all = has_all || (p->field.kind == FIELD_VALUE && !p->field.position);
            q.before = 'x';
        } else if (i < t->count && p->kind == PIECE_TEXT) {
            is_word = !walk_over_operator(&q, &p->text) && is_word;
        } else {
            if (has_all && (t->quote || (is_word && is_same_place(&begin, &q))))
                t->pieces[first].repeat = i - first;
            quote_walk(&q, " ", 1);
            begin = q;
            first = i + 1;
            has_all = false;
            is_word = true;
        }
    }
}

int template_new(char *const *words, int count, const struct template_options *options,
                 struct template **out, struct rota_error *err)
{
    rota_auto(template) struct template *t = calloc(1, sizeof(*t));
    if (t == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    t->empty = count == 0;
    t->quote = options->quote;
    t->program = options->shell;
    t->named = options->named;
    if (join(t, words, count) != 0 ||
        (t->pieces = calloc(2 * t->text.size + 2, sizeof(*t->pieces))) == NULL)
        return error_set(err, ROTA_E_NOMEM, "out of memory");
    cut_all(t, options);
    t->shell = needs_shell(t);
    int rc = place_fields(t, err);
    if (rc != 0)
        return rc;
    if (options->context)
        mark_repeats(t);
    *out = rota_steal(t);
    return 0;
}

void template_free(struct template *t)
{
    if (t == NULL)
        return;
    blob_done(&t->text);
    free(t->pieces);
    free(t);
}

/* ---- as a shell's line ------------------------------------------------------- */

/* The values for which a field stands. */
static struct row meant(const struct field *f, struct row row)
{
    if (f->position == 0)
        return row;
    int i = field_index(f, row.count);
    return i < 0 ? (struct row){.count = 0}
                 : (struct row){.values = row.values + i, .count = 1};
}

static int put_values(struct blob *out, const struct piece *p, struct row row)
{
    const struct field *f = &p->field;
    int rc = 0;
    row = meant(f, row);
    for (int i = 0; i < row.count && rc == 0; i++) {
        struct slice s = field_part(f->part, row.values[i]);
        rc = i > 0 ? blob_put(out, " ", 1) : 0;
        if (rc == 0)
            rc = quote_put(out, &p->at, s.data, s.size);
    }
    return rc;
}

static int check_value(const struct quote *at, struct slice value,
                       struct rota_error *err)
{
    if (quote_takes(at, value.data, value.size))
        return 0;
    return error_set(
        err, ROTA_E_ARG,
        "argument '%.*s' stands in $((...)) or \"${...}\", where it can't be "
        "made safe from the shell; set a variable first, as in 'x={}; echo "
        "$((x + 1))'",
        value.size < SHOWN_MAX ? (int)value.size : SHOWN_MAX, value.data);
}

int template_check(const struct template *t, struct row row, struct rota_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < t->count && t->shell && !t->quote && rc == 0; i++) {
        const struct piece *p = &t->pieces[i];
        bool is_value = p->kind == PIECE_FIELD && p->field.kind == FIELD_VALUE;
        struct row values = is_value ? meant(&p->field, row) : (struct row){.count = 0};
        for (int j = 0; j < values.count && rc == 0; j++)
            rc = check_value(&p->at, field_part(p->field.part, values.values[j]), err);
    }
    return rc;
}

static int put_number(struct blob *out, uint64_t number)
{
    char text[24];
    int n = snprintf(text, sizeof(text), "%" PRIu64, number);
    return blob_put(out, text, (size_t)n);
}

/* The slot's number is nothing but digits: it needs no quotes, but no single ones. */
static int put_slot(struct blob *out, const struct piece *p)
{
    static const char slot[] = "${PARALLEL_JOBSLOT}";
    enum quote_in in = (enum quote_in)p->at.in[p->at.depth];
    bool single = in == IN_SINGLE || in == IN_ANSI;
    int rc = blob_put(out, "'", single);
    if (rc == 0)
        rc = blob_put(out, slot, sizeof(slot) - 1);
    return rc ? rc : blob_put(out, "'", single);
}

/* A name that the shell will know, in quotes of its own wherever it stands. It has no
 * extension, and is the one value that there is. */
static int put_name(struct blob *out, const struct piece *p)
{
    static const char *const parts[] = {
        [PART_WHOLE] = "${PARALLEL_TMP}",         [PART_STEM] = "${PARALLEL_TMP}",
        [PART_BASE] = "${PARALLEL_TMP##*/}",      [PART_FOLDER] = "${PARALLEL_TMP%/*}",
        [PART_BASE_STEM] = "${PARALLEL_TMP##*/}",
    };
    unsigned char in = p->at.in[p->at.depth];
    const char *text = parts[p->field.part];
    const char *before = in == IN_SINGLE ? "'\"" : in == IN_DOUBLE ? "" : "\"";
    const char *behind = in == IN_SINGLE ? "\"'" : before;
    if (p->field.position > 1 || p->field.position < -1)
        return 0;
    int rc = blob_put(out, before, strlen(before));
    if (rc == 0)
        rc = blob_put(out, text, strlen(text));
    return rc ? rc : blob_put(out, behind, strlen(behind));
}

/* The arguments that are meant in a word which is there for the `i`-th one. */
static struct row row_of_word(const struct piece *p, struct row row, int i)
{
    if (p->field.kind != FIELD_VALUE || p->field.position != 0)
        return row;
    return (struct row){.values = row.values + i, .count = 1};
}

static int put_piece(const struct template *t, const struct piece *p, struct row row,
                     uint64_t task, struct blob *out)
{
    static const struct quote plain = {0};
    if (p->kind == PIECE_BREAK)
        return blob_put(out, " ", 1);
    if (p->kind == PIECE_TEXT)
        return t->quote ? quote_put(out, &plain, p->text.data, p->text.size)
                        : blob_put(out, p->text.data, p->text.size);
    if (p->field.kind == FIELD_TASK)
        return put_number(out, task);
    if (p->field.kind == FIELD_SLOT)
        return put_slot(out, p);
    return t->named ? put_name(out, p) : put_values(out, p, row);
}

/* The word that begins with `p`, for each argument. */
static int put_repeated(const struct template *t, const struct piece *p, struct row row,
                        uint64_t task, struct blob *out)
{
    int rc = 0;
    for (int i = 0; i < row.count && rc == 0; i++) {
        rc = i > 0 ? blob_put(out, " ", 1) : 0;
        for (size_t j = 0; j < p->repeat && rc == 0; j++)
            rc = put_piece(t, &p[j], row_of_word(&p[j], row, i), task, out);
    }
    return rc;
}

static int put_row(struct blob *out, struct row row)
{
    int rc = 0;
    for (int i = 0; i < row.count && rc == 0; i++) {
        rc = i > 0 ? blob_put(out, " ", 1) : 0;
        if (rc == 0)
            rc = blob_put(out, row.values[i], strlen(row.values[i]));
    }
    return rc;
}

int template_line(const struct template *t, struct row row, uint64_t task,
                  struct blob *out)
{
    int rc = t->empty ? put_row(out, row) : 0;
    for (size_t i = 0; i < t->count && rc == 0; i++) {
        const struct piece *p = &t->pieces[i];
        if (p->repeat > 0 && row.count > 0) {
            rc = put_repeated(t, p, row, task, out);
            i += p->repeat - 1;
        } else {
            rc = put_piece(t, p, row, task, out);
        }
    }
    return rc;
}

/* ---- as words ---------------------------------------------------------------- */

/* Words that are put together, each ended by a 0 byte. */
struct words {
    struct blob bytes;
    size_t count;
    bool open; /* the last one has begun */
};

static int word_put(struct words *w, const char *text, size_t size)
{
    w->open = true;
    return blob_put(&w->bytes, text, size);
}

static int word_end(struct words *w)
{
    if (!w->open)
        return 0;
    w->open = false;
    w->count++;
    return blob_put(&w->bytes, "", 1);
}

static int word_values(struct words *w, const struct field *f, struct row row)
{
    int rc = 0;
    row = meant(f, row);
    for (int i = 0; i < row.count && rc == 0; i++) {
        struct slice s = field_part(f->part, row.values[i]);
        rc = i > 0 ? word_end(w) : 0;
        if (rc == 0)
            rc = word_put(w, s.data, s.size);
    }
    return rc;
}

static int word_piece(const struct template *t, struct words *w, const struct piece *p,
                      struct row row, uint64_t task)
{
    if (p->kind == PIECE_BREAK)
        return word_end(w);
    if (p->kind == PIECE_TEXT)
        return word_put(w, p->text.data, p->text.size);
    w->open = w->open || t->quote || p->field.kind == FIELD_TASK;
    if (p->field.kind == FIELD_VALUE)
        return word_values(w, &p->field, row);
    return put_number(&w->bytes, task);
}

static int word_repeated(const struct template *t, struct words *w,
                         const struct piece *p, struct row row, uint64_t task)
{
    int rc = 0;
    for (int i = 0; i < row.count && rc == 0; i++) {
        rc = i > 0 ? word_end(w) : 0;
        for (size_t j = 0; j < p->repeat && rc == 0; j++)
            rc = word_piece(t, w, &p[j], row_of_word(&p[j], row, i), task);
    }
    return rc;
}

static int all_words(const struct template *t, struct row row, uint64_t task,
                     struct words *w)
{
    int rc = 0;
    for (size_t i = 0; i < t->count && rc == 0; i++) {
        const struct piece *p = &t->pieces[i];
        if (p->repeat > 0 && row.count > 0) {
            rc = word_repeated(t, w, p, row, task);
            i += p->repeat - 1;
        } else {
            rc = word_piece(t, w, p, row, task);
        }
    }
    return rc ? rc : word_end(w);
}

static int split(struct words *w, const char *line)
{
    int rc = 0;
    for (; *line != '\0' && rc == 0; line += *line == ' ') {
        size_t n = strcspn(line, " ");
        if (n > 0)
            rc = word_put(w, line, n);
        if (rc == 0)
            rc = word_end(w);
        line += n;
    }
    return rc;
}

static int shell_words(struct words *w, const char *shell, const char *line)
{
    const char *const words[] = {shell ? shell : "sh", "-c", line};
    int rc = 0;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && rc == 0; i++) {
        rc = word_put(w, words[i], strlen(words[i]));
        if (rc == 0)
            rc = word_end(w);
    }
    return rc;
}

/* An array, and what it points to behind it. */
static int block(const struct words *w, char ***out)
{
    char **argv = malloc((w->count + 1) * sizeof(char *) + w->bytes.size);
    if (argv == NULL)
        return ROTA_E_NOMEM;
    char *at = (char *)(argv + w->count + 1);
    if (w->bytes.data != NULL)
        memcpy(at, w->bytes.data, w->bytes.size);
    for (size_t i = 0; i < w->count; i++) {
        argv[i] = at;
        at += strlen(at) + 1;
    }
    argv[w->count] = NULL;
    *out = argv;
    return 0;
}

static int line_words(const struct template *t, struct row row, uint64_t task,
                      struct words *w)
{
    struct blob line = {0};
    int rc = template_line(t, row, task, &line);
    if (rc == 0)
        rc = blob_put(&line, "", 1);
    if (rc == 0)
        rc = t->shell || line_needs_shell(line.data)
                 ? shell_words(w, t->program, line.data)
                 : split(w, line.data);
    blob_done(&line);
    return rc;
}

int template_apply(const struct template *t, struct row row, uint64_t task, char ***out)
{
    struct words w = {.count = 0};
    int rc = t->empty || t->shell ? line_words(t, row, task, &w)
                                  : all_words(t, row, task, &w);
    if (rc == 0)
        rc = block(&w, out);
    blob_done(&w.bytes);
    return rc;
}
