/* package.h - what a worker of success.c and fail.c sends: a JSON object
 *
 *     {"rank": 2, "task": "200 + 5", "result": 205}
 *
 * JSON, and jansson with it, keep an integer (205) and a real number (20.0) apart.
 */
#ifndef ROTA_EXAMPLES_PACKAGE_H
#define ROTA_EXAMPLES_PACKAGE_H

#include <jansson.h>
#include <rota.h>

#include "work.h"

struct package {
    int rank;
    char task[32];
    struct value result;
};

/* Send it to rank 0. Returns what rota_send() returns. */
static inline int package_send(struct rota *r, const struct package *p)
{
    json_t *result =
        p->result.real ? json_real(p->result.number) : json_integer(p->result.integer);
    json_t *object = json_pack("{s:i, s:s, s:o}", "rank", p->rank, "task", p->task,
                               "result", result);
    char *text = json_dumps(object, 0);
    json_decref(object);
    if (text == NULL)
        return ROTA_E_NOMEM;
    int rc = rota_send(r, 0, 0, text, strlen(text));
    free(text);
    return rc;
}

static inline int package_parse(const struct rota_message *m, struct package *out)
{
    const char *task;
    json_t *result;
    struct package p = {0};
    json_t *object = json_loadb(m->data, m->size_bytes, 0, NULL);
    int rc = json_unpack(object, "{s:i, s:s, s:o}", "rank", &p.rank, "task", &task,
                         "result", &result);
    if (rc == 0) {
        snprintf(p.task, sizeof(p.task), "%s", task);
        p.result.real = json_is_real(result);
        p.result.integer = json_integer_value(result);
        p.result.number = json_real_value(result);
        *out = p;
    }
    json_decref(object);
    return rc == 0 ? 0 : ROTA_E_FORMAT;
}

/* Receive one from `source`, waiting until it comes or can come no more. Returns what
 * rota_recv() returns, or ROTA_E_FORMAT. */
static inline int package_recv(struct rota *r, int source, struct package *out)
{
    struct rota_message m;
    int rc = rota_recv(r, source, 0, ROTA_FOREVER, &m);
    if (rc != 0)
        return rc;
    rc = package_parse(&m, out);
    rota_message_done(&m);
    return rc;
}

#endif
