/* nonsense.h - what is wrong with a message that is none of a worker's, in words
 *
 * Pure. The words follow a worker's name: "sent ...".
 */
#ifndef ROTA_FARM_NONSENSE_H
#define ROTA_FARM_NONSENSE_H

#include <stddef.h>

enum {
    NONSENSE_TEXT = 192,
};

/* Of `size` bytes that are no message, or one that can't come where it did. Returns
 * `buf`. */
const char *nonsense_message(const void *data, size_t size, char buf[NONSENSE_TEXT]);

/* So too of a message with results which, behind its head, can't be read. */
const char *nonsense_results(const void *data, size_t size, char buf[NONSENSE_TEXT]);

#endif
