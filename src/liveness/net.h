/* net.h - where the hub can be reached: listening, addresses, connecting */
#ifndef ROTA_LIVENESS_NET_H
#define ROTA_LIVENESS_NET_H

#include <stdbool.h>
#include <stdint.h>

enum {
    NET_WHERE_BYTES = 16,
    NET_ADDRESSES = 16,
};

/* An address as 16 bytes: IPv6, or IPv4 mapped into it (::ffff:a.b.c.d). */
struct net_address {
    unsigned char bytes[16];
};

/* Listen on a port that the kernel chooses: on the loopback interface alone, or
 * on all interfaces. Returns 0, or ROTA_E_IO. */
int net_listen(bool loopback, int *fd, uint16_t *port);

/* The addresses at which other hosts may reach this one, loopback left out, at
 * most `cap`. Returns how many. */
int net_addresses(struct net_address *out, int cap);

/* The address of the loopback interface. */
struct net_address net_loopback(void);

/* Have this process be allowed `count` descriptors, as far as it may: the usual limit
 * of 1024 is less than a large run's lines. */
void net_allow(int count);

enum {
    NET_PARENT_FDS = 128, /* what a parent has to do with may take, at most */
};

/* Take a connection from a listening socket: its descriptor, or -1 (none there). */
int net_accept(int fd);

/* Start to connect: *fd is a non-blocking socket that poll() reports as writable
 * when it is connected or has failed. Returns 0 or ROTA_E_IO. */
int net_connect(const struct net_address *to, uint16_t port, int *fd);

/* Which host and which of its network namespaces this is: equal bytes can reach
 * each other by the loopback interface. */
void net_where(unsigned char out[NET_WHERE_BYTES]);

#endif
