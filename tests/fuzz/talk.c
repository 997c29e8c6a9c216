/* talk.c - what persistent programs say: execute/lines.h, talk.h
 *
 * Lines come in pieces, and are the same however they are cut. An answer that is read
 * has a number, and what is shown of it; one that isn't, a reason. What is said to a
 * program is a line of JSON that holds the words.
 */
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <unistd.h>

#include "execute/commands.h"
#include "execute/lines.h"
#include "execute/talk.h"

static void read_answer(const char *line, size_t size)
{
    struct talk_answer a = {.task = UINT64_MAX};
    struct task_bytes text = {0};
    struct rota_error err = {0};
    char excerpt[TALK_EXCERPT];
    char *copy = malloc(size > 0 ? size : 1);
    must(copy != NULL);
    memcpy(copy, line, size);
    int rc = talk_read_answer(copy, size, &a, &text, &err);
    must(rc == 0 || rc == ROTA_E_FORMAT);
    must(rc != 0 || a.task <= INT64_MAX);
    must(rc != 0 || text.size == 0 || text.data[text.size - 1] == '\n');
    must(rc == 0 || err.text[0] != '\0');
    talk_excerpt(copy, size, excerpt);
    must(strlen(excerpt) < sizeof(excerpt));
    for (const char *c = excerpt; *c != '\0'; c++)
        must(*c >= ' ' && *c <= '~');
    free(text.data);
    free(copy);
}

/* The line ends of what has come through a pipe, in pieces of `piece` bytes. */
static void read_lines(const unsigned char *data, size_t size, size_t piece)
{
    struct lines l = {0};
    const char *line;
    size_t length;
    size_t at = 0;
    int ends[2];
    must(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    for (size_t said = 0; said < size; said += piece) {
        size_t some = size - said < piece ? size - said : piece;
        must(write(ends[1], data + said, some) == (ssize_t)some);
        must(lines_read(&l, ends[0]) == (ssize_t)some);
        while (lines_next(&l, &line, &length)) {
            must(memcmp(line, data + at, length) == 0 && data[at + length] == '\n');
            must(memchr(line, '\n', length) == NULL);
            read_answer(line, length);
            at += length + 1;
        }
    }
    length = lines_rest(&l, &line);
    must(length == size - at && (length == 0 || memcmp(line, data + at, length) == 0));
    must(lines_read(&l, ends[0]) == -EAGAIN);
    lines_done(&l);
    close(ends[0]);
    close(ends[1]);
}

/* Whether an array of strings holds the words. */
static void check_words(const json_t *args, const char *words, size_t size)
{
    size_t at = 0;
    must(json_is_array(args));
    for (size_t i = 0; i < json_array_size(args); i++) {
        const json_t *word = json_array_get(args, i);
        must(at < size && strlen(words + at) == json_string_length(word));
        must(strcmp(words + at, json_string_value(word)) == 0);
        at += strlen(words + at) + 1;
    }
    must(at == size);
}

static void put_task(const char *words, size_t size)
{
    struct task_bytes out = {0};
    if (talk_put_task(&out, 7, 2, words, size) == 0) {
        must(out.size > 0 && out.data[out.size - 1] == '\n');
        must(memchr(out.data, '\n', out.size - 1) == NULL);
        json_t *all = json_loadb((const char *)out.data, out.size, 0, NULL);
        must(json_is_object(all));
        must(json_integer_value(json_object_get(all, "task")) == 7);
        if (json_object_get(all, "args_base64") == NULL)
            check_words(json_object_get(all, "args"), words, size);
        json_decref(all);
    }
    free(out.data);
}

void fuzz_one(const unsigned char *data, size_t size)
{
    struct fuzz_bytes b = {data, size};
    uint8_t how = fuzz_take8(&b);
    size_t some;
    unsigned char *rest = fuzz_cut(&b, 32768, &some);
    if (how & 1)
        read_lines(rest, some, how / 2 + 1U);
    else
        put_task((const char *)rest, some);
    free(rest);
}

static void seed(const char *name, const char *text)
{
    char out[512];
    snprintf(out, sizeof(out), "%c%s", 0x7f, text);
    fuzz_seed(name, out, strlen(out));
}

void fuzz_seeds(void)
{
    seed("answers", "{\"task\":7,\"result\":49}\n{\"task\":8,\"error\":\"why\"}\n"
                    "{\"task\":9,\"result\":null}\n");
    seed("values", "{\"task\":7,\"result\":[1,2.5,{\"a\":\"\\u00e9\\n\"},true]}\n"
                   "{\"result\":\"\\ud83d\\ude00\",\"task\":1}\nhalf of a line");
    seed("odd", "{\"task\":-1,\"result\":1}\n{\"task\":1e3,\"result\":0}\n[]\n\n{}\n"
                "{\"task\":1,\"result\":1,\"error\":2}\n{\"t\\u0061sk\":1}\n"
                "{\"task\":99999999999999999999,\"result\":1}\n");
    fuzz_seed("words", "\0one\0two \"quoted\"\\\0", 20);
    fuzz_seed("bytes", "\0\xff\xfe\0ok\0", 7);
}
