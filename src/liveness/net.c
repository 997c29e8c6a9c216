/* net.c - where the hub can be reached: listening, addresses, connecting
 *
 * Sockets are IPv6 ones that take IPv4 too; where the kernel has no IPv6, they
 * are IPv4, and addresses that are not mapped ones are out of reach.
 *
 * The options on a connected line (keepalive every second, three losses; three
 * seconds for data that nobody acknowledges) let a cut cable show within about
 * three seconds, where TCP's own patience is minutes.
 */
#include "liveness/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "rota.h"

static const unsigned char mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255};

static struct net_address mapped(struct in_addr v4)
{
    struct net_address a;
    memcpy(a.bytes, mapped_prefix, sizeof(mapped_prefix));
    memcpy(a.bytes + sizeof(mapped_prefix), &v4, sizeof(v4));
    return a;
}

struct net_address net_loopback(void)
{
    return mapped((struct in_addr){.s_addr = htonl(INADDR_LOOPBACK)});
}

/* The socket address for `a` in the family of which sockets are made here. */
static int resolve(int family, const struct net_address *a, uint16_t port,
                   struct sockaddr_storage *out, socklen_t *size)
{
    memset(out, 0, sizeof(*out));
    if (family == AF_INET6) {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        memcpy(&v6->sin6_addr, a->bytes, sizeof(a->bytes));
        *size = sizeof(*v6);
        return 0;
    }
    if (memcmp(a->bytes, mapped_prefix, sizeof(mapped_prefix)) != 0)
        return ROTA_E_IO;
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    memcpy(&v4->sin_addr, a->bytes + sizeof(mapped_prefix), sizeof(v4->sin_addr));
    *size = sizeof(*v4);
    return 0;
}

static int new_socket(int *family)
{
    const int flags = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    const int off = 0;
    int fd = socket(AF_INET6, flags, 0);
    if (fd >= 0) {
        *family = AF_INET6;
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
        return fd;
    }
    *family = AF_INET;
    return socket(AF_INET, flags, 0);
}

static void tune(int fd)
{
    const int on = 1;
    const int losses = 3;
    const unsigned patience_ms = 3000;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &losses, sizeof(losses));
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience_ms, sizeof(patience_ms));
}

int net_listen(bool loopback, int *fd, uint16_t *port)
{
    int family;
    rota_auto(fd) int s = new_socket(&family);
    if (s < 0)
        return ROTA_E_IO;

    struct sockaddr_storage at;
    socklen_t size;
    struct net_address any = {{0}};
    if (family == AF_INET)
        any = mapped((struct in_addr){.s_addr = htonl(INADDR_ANY)});
    struct net_address lo = net_loopback();
    if (resolve(family, loopback ? &lo : &any, 0, &at, &size) != 0 ||
        bind(s, (struct sockaddr *)&at, size) != 0 || fault(FAULT_LISTEN) ||
        listen(s, 1024) != 0 || getsockname(s, (struct sockaddr *)&at, &size) != 0)
        return ROTA_E_IO;
    *port = ntohs(family == AF_INET6 ? ((struct sockaddr_in6 *)&at)->sin6_port
                                     : ((struct sockaddr_in *)&at)->sin_port);
    *fd = fd_steal(&s);
    return 0;
}

static bool take_address(const struct ifaddrs *i, struct net_address *out)
{
    if (i->ifa_addr == NULL || !(i->ifa_flags & IFF_UP) ||
        (i->ifa_flags & IFF_LOOPBACK))
        return false;
    if (i->ifa_addr->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)i->ifa_addr;
        *out = mapped(v4->sin_addr);
        return true;
    }
    if (i->ifa_addr->sa_family != AF_INET6)
        return false;
    const struct sockaddr_in6 *v6 = (const void *)i->ifa_addr;
    memcpy(out->bytes, &v6->sin6_addr, sizeof(out->bytes));
    return !IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr);
}

int net_addresses(struct net_address *out, int cap)
{
    struct ifaddrs *all;
    if (getifaddrs(&all) != 0)
        return 0;
    int n = 0;
    for (struct ifaddrs *i = all; i != NULL && n < cap; i = i->ifa_next) {
        if (take_address(i, &out[n]))
            n++;
    }
    freeifaddrs(all);
    return n;
}

void net_allow(int count)
{
    struct rlimit files;
    rlim_t wanted = (rlim_t)count;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= wanted)
        return;
    files.rlim_cur = wanted < files.rlim_max ? wanted : files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

int net_accept(int fd)
{
    int s = fault(FAULT_ACCEPT) ? -1
                                : accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (s >= 0)
        tune(s);
    return s;
}

int net_connect(const struct net_address *to, uint16_t port, int *fd)
{
    int family;
    rota_auto(fd) int s = new_socket(&family);
    struct sockaddr_storage at;
    socklen_t size;
    if (s < 0 || resolve(family, to, port, &at, &size) != 0)
        return ROTA_E_IO;
    tune(s);
    if (fault(FAULT_CONNECT) ||
        (connect(s, (struct sockaddr *)&at, size) != 0 && errno != EINPROGRESS))
        return ROTA_E_IO;
    *fd = fd_steal(&s);
    return 0;
}

void net_where(unsigned char out[NET_WHERE_BYTES])
{
    char id[128] = "";
    rota_auto(fd) int boot =
        open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = boot >= 0 ? read(boot, id, 64) : 0;
    struct stat ns = {0};
    /* Without either of the two, hosts are told apart by their names. */
    if (n <= 0 || stat("/proc/self/ns/net", &ns) != 0)
        gethostname(id, 64);
    size_t used = strnlen(id, 64);
    snprintf(id + used, sizeof(id) - used, "%ju.%ju", (uintmax_t)ns.st_dev,
             (uintmax_t)ns.st_ino);
    crypto_generichash(out, NET_WHERE_BYTES, (const unsigned char *)id, strlen(id),
                       NULL, 0);
}
