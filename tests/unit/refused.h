/* refused.h - memory that is refused, once: for programs linked with refused.c and with
 * --wrap of malloc, calloc and realloc */
#ifndef ROTA_TEST_REFUSED_H
#define ROTA_TEST_REFUSED_H

#include <stddef.h>

extern long fail_at; /* the how many-th allocation from here fails; 0: none */

/* What is not refused. */
void *__real_malloc(size_t size);

#endif
