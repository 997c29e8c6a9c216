/* units.c - durations and sizes, as people write them */
#include "cli/units.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DURATION_MOST_S 3e11 /* and SIZE_MOST: in double, safely in an int64_t */
#define NS_PER_S        1e9
#define SIZE_MOST       9e18

/* A number without a sign, in digits. */
static bool read_number(const char **text, double *out)
{
    char *end;
    if (!isdigit((unsigned char)**text) && **text != '.')
        return false;
    if (strncasecmp(*text, "0x", 2) == 0)
        return false;
    *out = strtod(*text, &end);
    if (end == *text)
        return false;
    *text = end;
    return true;
}

static double unit_of_time(char c)
{
    switch (tolower((unsigned char)c)) {
    case 's':
        return 1;
    case 'm':
        return 60;
    case 'h':
        return 3600;
    case 'd':
        return 86400;
    default:
        return 0;
    }
}

bool units_duration(const char *text, int64_t *ns)
{
    double sum = 0;
    bool whole = false; /* a number without a unit ends it */
    do {
        double n;
        if (whole || !read_number(&text, &n))
            return false;
        double unit = unit_of_time(*text);
        whole = unit == 0;
        sum += n * (whole ? 1 : unit);
        text += whole ? 0 : 1;
    } while (*text != '\0');
    if (!(sum <= DURATION_MOST_S / 100))
        return false;
    *ns = (int64_t)(sum * NS_PER_S);
    return true;
}

bool units_size(const char *text, int64_t *bytes)
{
    static const char letters[] = "kmgtp";
    double n;
    if (!read_number(&text, &n))
        return false;
    const char *letter =
        *text != '\0' ? strchr(letters, tolower((unsigned char)*text)) : NULL;
    if (letter != NULL) {
        double unit = isupper((unsigned char)*text) ? 1024 : 1000;
        for (const char *c = letters; c <= letter; c++)
            n *= unit;
        text += unit > 1000 && text[1] == 'i' ? 2 : 1;
    }
    if (*text != '\0' || !(n <= SIZE_MOST))
        return false;
    *bytes = (int64_t)n;
    return true;
}

const char *units_duration_text(double seconds, char buf[UNITS_TEXT])
{
    long s = seconds < 1e12 ? (long)(seconds + 0.5) : 1000000000000;
    if (s < 100)
        snprintf(buf, UNITS_TEXT, "%ld s", s);
    else if (s < 3600)
        snprintf(buf, UNITS_TEXT, "%ldm%02lds", s / 60, s % 60);
    else if (s < 86400)
        snprintf(buf, UNITS_TEXT, "%ldh%02ldm", s / 3600, s / 60 % 60);
    else
        snprintf(buf, UNITS_TEXT, "%ldd%02ldh", s / 86400, s / 3600 % 24);
    return buf;
}

const char *units_size_text(int64_t bytes, char buf[UNITS_TEXT])
{
    static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t i = 0;
    double n = (double)bytes;
    for (; n >= 1024 && i + 1 < sizeof(names) / sizeof(names[0]); i++)
        n /= 1024;
    snprintf(buf, UNITS_TEXT, i > 0 && n < 10 ? "%.1f %s" : "%.0f %s", n, names[i]);
    return buf;
}
