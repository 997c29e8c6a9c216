/* error.c - the texts of codes, fates, and errors */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct rota_error *err, int code, const char *format, ...)
{
    if (err == NULL)
        return code;
    err->code = code;
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    return code;
}

const char *rota_strerror(int code)
{
    switch (code) {
    case 0:
        return "success";
#define ROTA_CODE_TEXT(name, value, text)                                              \
    case name:                                                                         \
        return text;
        ROTA_CODES(ROTA_CODE_TEXT)
#undef ROTA_CODE_TEXT
    default:
        return "unknown error";
    }
}

const char *error_signal(int number)
{
    const char *abbrev = sigabbrev_np(number);
    return abbrev != NULL ? abbrev : "?";
}

const char *rota_fate_text(struct rota_fate fate, char *buf, size_t size)
{
    const char *abbrev = error_signal(fate.code);

    switch (fate.how) {
    case ROTA_ALIVE:
        snprintf(buf, size, "is alive");
        break;
    case ROTA_STOPPED:
        snprintf(buf, size, "is stopped by signal %d (SIG%s)", fate.code, abbrev);
        break;
    case ROTA_CLOSED:
        snprintf(buf, size, "has left the run");
        break;
    case ROTA_EXITED:
        snprintf(buf, size, "exited with status %d", fate.code);
        break;
    case ROTA_KILLED:
        snprintf(buf, size, "was killed by signal %d (SIG%s)", fate.code, abbrev);
        break;
    case ROTA_FROZEN:
        snprintf(buf, size, "stayed frozen by signal %d (SIG%s) and was ended",
                 fate.code, abbrev);
        break;
    case ROTA_VANISHED:
        snprintf(buf, size, "vanished");
        break;
    default:
        snprintf(buf, size, "ended in an unknown way (%d)", (int)fate.how);
        break;
    }
    return buf;
}
