/* nonsense.c - what is wrong with a message that is none of a worker's, in words */
#include "farm/nonsense.h"

#include <inttypes.h>
#include <stdio.h>

#include "farm/wire.h"

static const struct {
    const char *name;
    bool managers;
} kinds[WIRE_KINDS] = {
    [WIRE_TASKS] = {"TASKS", true},
    [WIRE_DROP] = {"DROP", true},
    [WIRE_FINISH] = {"FINISH", true},
    [WIRE_HELLO] = {"HELLO", false},
    [WIRE_RESULTS] = {"RESULTS", false},
    [WIRE_RECALL] = {"RECALL", true},
    [WIRE_RETURNED] = {"RETURNED", false},
    [WIRE_PART] = {"PART", false},
    [WIRE_END] = {"END", true},
    [WIRE_SHUT] = {"SHUT", false},
    [WIRE_LIMIT] = {"LIMIT", true},
    [WIRE_INPUT] = {"INPUT", true},
};

/* Of a head that wire_read does not take. */
static void describe_head(const unsigned char *in, size_t size, char buf[NONSENSE_TEXT])
{
    if (size < WIRE_HEAD_BYTES)
        snprintf(buf, NONSENSE_TEXT,
                 "sent a message of %zu bytes, which is too short for one", size);
    else if (in[0] != WIRE_VERSION)
        snprintf(buf, NONSENSE_TEXT, "sent a message of version %d, not %d", in[0],
                 WIRE_VERSION);
    else if (in[1] == 0 || in[1] >= WIRE_KINDS)
        snprintf(buf, NONSENSE_TEXT,
                 "sent a message of kind %d, which there is none of", in[1]);
    else if (parcel_get16(in + 2) != 0)
        snprintf(buf, NONSENSE_TEXT, "sent %s with %d where 0 belongs",
                 kinds[in[1]].name, parcel_get16(in + 2));
    else
        snprintf(buf, NONSENSE_TEXT,
                 "sent %s of %" PRIu32 " tasks from number %" PRIu64
                 " on, past the last there can be",
                 kinds[in[1]].name, parcel_get32(in + 4), parcel_get64(in + 16));
}

const char *nonsense_message(const void *data, size_t size, char buf[NONSENSE_TEXT])
{
    struct wire_head h;
    if (wire_read(data, size, &h) != 0)
        describe_head(data, size, buf);
    else if (kinds[h.kind].managers)
        snprintf(buf, NONSENSE_TEXT, "sent %s, which is a manager's to send",
                 kinds[h.kind].name);
    else
        snprintf(buf, NONSENSE_TEXT,
                 "sent %s (count %" PRIu32 ", lease %" PRIu64 ", first %" PRIu64
                 ", more %" PRIu64 "), which it can't at this point",
                 kinds[h.kind].name, h.count, h.lease, h.first, h.more);
    return buf;
}

const char *nonsense_results(const void *data, size_t size, char buf[NONSENSE_TEXT])
{
    struct wire_head h;
    if (wire_read(data, size, &h) != 0)
        describe_head(data, size, buf);
    else
        snprintf(buf, NONSENSE_TEXT,
                 "sent results of %" PRIu32 " tasks, from number %" PRIu64
                 " on, that can't be read",
                 h.count, h.first);
    return buf;
}
