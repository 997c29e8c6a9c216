/* work.h - the work that the examples share, as the notebook's programs do it
 *
 * A worker computes `a op b`. As in Python, a division gives a real number and the
 * other operations an integer, and the two print differently: 20.00 and 205.
 */
#ifndef ROTA_EXAMPLES_WORK_H
#define ROTA_EXAMPLES_WORK_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct work {
    int a;
    char op;
    int b;
};

struct value {
    bool real; /* which of the two it is */
    long long integer;
    double number;
};

static inline struct value work_do(struct work w)
{
    switch (w.op) {
    case '+':
        return (struct value){.integer = (long long)w.a + w.b};
    case '-':
        return (struct value){.integer = (long long)w.a - w.b};
    case '/':
        return (struct value){.real = true, .number = (double)w.a / w.b};
    default:
        return (struct value){.integer = (long long)w.a * w.b};
    }
}

/* "100 / 5", in `buf`, which is returned. */
static inline const char *work_text(struct work w, char *buf, size_t size)
{
    snprintf(buf, size, "%d %c %d", w.a, w.op, w.b);
    return buf;
}

/* "20.00" or "205", in `buf`, which is returned. */
static inline const char *value_text(struct value v, char *buf, size_t size)
{
    if (v.real)
        snprintf(buf, size, "%.2f", v.number);
    else
        snprintf(buf, size, "%lld", v.integer);
    return buf;
}

/* `text` in the middle of `width` columns, as Python's {:^20} does it, in `buf`,
 * which is returned. */
static inline const char *centred(const char *text, int width, char *buf, size_t size)
{
    int left = (width - (int)strlen(text)) / 2;
    snprintf(buf, size, "%*s%-*s", left, "", width - left, text);
    return buf;
}

#endif
