/* unit.h - what cmocka.h needs before it, in one place */
#ifndef ROTA_TESTS_UNIT_H
#define ROTA_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
