/* talk.c - what is said to a persistent program, and by it
 *
 * An answer's values are shown as the program wrote them, digit by digit: a number that
 * went through a double would come out as another. So jansson says whether the line is
 * JSON and what it means, and a value's place is then looked for in the line itself,
 * which is now known to be sound.
 */
#include "execute/talk.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"

enum {
    HEAD_BYTES = 96,   /* of a task's line, around its arguments */
    ESCAPED_BYTES = 6, /* of the longest escape */
    EXCERPT_BYTES = 60,
};

#define TASK_MAX 9007199254740992.0 /* 2^53: up to here a double is one number */

ROTA_AUTO_DEFINE(json, json_t *, json_decref);

/* ---- tasks ------------------------------------------------------------------- */

static bool is_utf8(const char *word, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)word[i] < 0x80)
            continue;
        json_t *s = json_stringn(word, size);
        bool valid = s != NULL;
        json_decref(s);
        return valid;
    }
    return true;
}

static void put(struct task_bytes *out, const char *text)
{
    size_t size = strlen(text);
    memcpy(out->data + out->size, text, size);
    out->size += size;
}

static void put_string(struct task_bytes *out, const char *word, size_t size)
{
    unsigned char *to = out->data + out->size;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)word[i];
        if (c < 0x20) {
            to += sprintf((char *)to, "\\u%04x", c);
            continue;
        }
        if (c == '"' || c == '\\')
            *to++ = '\\';
        *to++ = c;
    }
    out->size = (size_t)(to - out->data);
}

static void put_base64(struct task_bytes *out, const char *word, size_t size)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char *to = out->data + out->size;
    for (size_t i = 0; i < size; i += 3) {
        uint32_t bits = 0;
        size_t n = size - i < 3 ? size - i : 3;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (k < n ? (unsigned char)word[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            *to++ = k <= n ? (unsigned char)digits[bits >> (18 - 6 * k) & 63] : '=';
    }
    out->size = (size_t)(to - out->data);
}

/* Whether all the words of a payload can be strings. */
static bool are_utf8(const char *words, size_t size)
{
    for (size_t at = 0; at < size; at += strlen(words + at) + 1)
        if (!is_utf8(words + at, strlen(words + at)))
            return false;
    return true;
}

static int put_words(struct task_bytes *out, const char *words, size_t size, bool utf8)
{
    for (size_t at = 0; at < size;) {
        size_t word = strlen(words + at);
        if (task_bytes_reserve(out, ESCAPED_BYTES * word + HEAD_BYTES) != 0)
            return ROTA_E_NOMEM;
        put(out, at > 0 ? ",\"" : "\"");
        if (utf8)
            put_string(out, words + at, word);
        else
            put_base64(out, words + at, word);
        put(out, "\"");
        at += word + 1;
    }
    put(out, "]}\n");
    return 0;
}

int talk_put_task(struct task_bytes *out, uint64_t task, uint32_t attempt,
                  const void *words, size_t size)
{
    const char *text = words;
    size_t before = out->size;
    if (size == 0 || text[size - 1] != '\0')
        return ROTA_E_FORMAT;
    if (task_bytes_reserve(out, HEAD_BYTES) != 0)
        return ROTA_E_NOMEM;
    bool utf8 = are_utf8(text, size);
    out->size += (size_t)snprintf((char *)out->data + out->size, HEAD_BYTES,
                                  "{\"task\":%ju,\"attempt\":%u,\"args%s\":[",
                                  (uintmax_t)task, attempt, utf8 ? "" : "_base64");
    int rc = put_words(out, text, size, utf8);
    if (rc != 0)
        out->size = before;
    return rc;
}

/* ---- answers ----------------------------------------------------------------- */

static size_t skip_space(const char *text, size_t at)
{
    return at + strspn(text + at, " \t\r");
}

static size_t skip_string(const char *text, size_t at)
{
    for (at++; text[at] != '"'; at++)
        at += text[at] == '\\';
    return at + 1;
}

/* Over the value that begins at `at`. */
static size_t skip_value(const char *text, size_t at)
{
    int depth = 0;
    do {
        if (text[at] == '"') {
            at = skip_string(text, at);
            continue;
        }
        if (text[at] == '{' || text[at] == '[')
            depth++;
        else if (text[at] == '}' || text[at] == ']')
            depth--;
        at++;
    } while (depth > 0);
    return at;
}

/* A number, true, false or null ends where something else begins. */
static size_t skip_plain(const char *text, size_t at)
{
    return at + strcspn(text + at, ",}] \t\r");
}

/* Where in `text`, an object, the value of member `name` stands. False: nowhere, by
 * that spelling of its name. */
static bool find_value(const char *text, const char *name, size_t *begin, size_t *end)
{
    size_t length = strlen(name);
    size_t at = skip_space(text, skip_space(text, 0) + 1);
    while (text[at] == '"') {
        const char *key = text + at + 1;
        size_t key_end = skip_string(text, at);
        bool found = key_end - at - 2 == length && memcmp(key, name, length) == 0;
        *begin = skip_space(text, skip_space(text, key_end) + 1); /* the colon */
        *end = strchr("\"{[", text[*begin]) ? skip_value(text, *begin)
                                            : skip_plain(text, *begin);
        if (found)
            return true;
        at = skip_space(text, *end);
        if (text[at] != ',')
            break;
        at = skip_space(text, at + 1);
    }
    return false;
}

static int set_text(struct task_bytes *text, const char *data, size_t size)
{
    text->size = 0;
    if (task_bytes_reserve(text, size + 1) != 0)
        return ROTA_E_NOMEM;
    memcpy(text->data, data, size);
    text->data[size] = '\n';
    text->size = size + 1;
    return 0;
}

/* What is to be shown of member `name`, whose value is `value`. */
static int show(const char *line, const char *name, const json_t *value,
                struct task_bytes *text, struct rota_error *err)
{
    size_t begin, end;
    if (json_is_string(value))
        return set_text(text, json_string_value(value), json_string_length(value));
    if (find_value(line, name, &begin, &end))
        return set_text(text, line + begin, end - begin);
    return error_set(err, ROTA_E_FORMAT, "the name \"%s\" has escapes in it", name);
}

/* jansson's words, without the part of the line that it quotes. */
static int refuse_json(json_error_t *e, struct rota_error *err)
{
    char *near = strstr(e->text, " near ");
    if (near != NULL)
        *near = '\0';
    if (json_error_code(e) == json_error_out_of_memory)
        return ROTA_E_NOMEM;
    return error_set(err, ROTA_E_FORMAT, "not JSON (%s at byte %d)", e->text,
                     e->position);
}

static int read_number(const json_t *root, uint64_t *out, struct rota_error *err)
{
    const json_t *task = json_object_get(root, "task");
    double number = json_number_value(task);
    if (task == NULL)
        return error_set(err, ROTA_E_FORMAT, "it names no \"task\"");
    if (!json_is_number(task) || !(number >= 1 && number <= TASK_MAX) ||
        number != floor(number))
        return error_set(err, ROTA_E_FORMAT, "its \"task\" is no task's number");
    *out = (uint64_t)number;
    return 0;
}

static int read_sound(const char *line, const json_t *root, struct talk_answer *out,
                      struct task_bytes *text, struct rota_error *err)
{
    struct talk_answer a = {0};
    int rc = read_number(root, &a.task, err);
    if (rc != 0)
        return rc;
    const json_t *error = json_object_get(root, "error");
    const json_t *result = json_object_get(root, "result");
    a.failed = error != NULL && !json_is_null(error);
    if (a.failed && result != NULL && !json_is_null(result))
        return error_set(err, ROTA_E_FORMAT, "it has a \"result\" and an \"error\"");
    if (!a.failed && result == NULL)
        return error_set(err, ROTA_E_FORMAT, "it has no \"result\" and no \"error\"");
    text->size = 0;
    if (a.failed)
        rc = show(line, "error", error, text, err);
    else if (!json_is_null(result))
        rc = show(line, "result", result, text, err);
    if (rc == 0)
        *out = a;
    return rc;
}

int talk_read_answer(const char *line, size_t size, struct talk_answer *out,
                     struct task_bytes *text, struct rota_error *err)
{
    json_error_t e;
    rota_auto(json) json_t *root = json_loadb(
        line, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL,
        &e);
    if (root == NULL)
        return refuse_json(&e, err);
    if (!json_is_object(root))
        return error_set(err, ROTA_E_FORMAT, "it is no JSON object");
    return read_sound(line, root, out, text, err);
}

/* ---- for a person ------------------------------------------------------------ */

const char *talk_excerpt(const char *line, size_t size, char buf[TALK_EXCERPT])
{
    char *to = buf;
    for (size_t i = 0; i < size && i < EXCERPT_BYTES; i++) {
        unsigned char c = (unsigned char)line[i];
        if (c < 0x20 || c >= 0x7f)
            to += sprintf(to, "\\x%02x", c);
        else
            *to++ = line[i];
    }
    strcpy(to, size > EXCERPT_BYTES ? "..." : "");
    return buf;
}
