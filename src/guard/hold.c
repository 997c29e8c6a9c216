/* hold.c - a rank's connection to its PMIx server, held open past the rank's end
 *
 * The server is known by its port, which the launcher's word to the rank ends with:
 * PMIX_SERVER_URI2=pmix-server.16516;tcp4://127.0.0.1:45165. The rank's descriptors are
 * copied by pidfd_getfd(), which a parent may do.
 */
#include "guard/hold.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

/* 0: none. */
static uint16_t port_of(const char *uri)
{
    const char *colon = uri != NULL ? strrchr(uri, ':') : NULL;
    char *end;
    unsigned long port = colon != NULL ? strtoul(colon + 1, &end, 10) : 0;
    return port > 0 && port <= UINT16_MAX && *end == '\0' ? (uint16_t)port : 0;
}

void hold_init(struct hold *h)
{
    static const char *const names[] = {"PMIX_SERVER_URI41", "PMIX_SERVER_URI4",
                                        "PMIX_SERVER_URI3", "PMIX_SERVER_URI21",
                                        "PMIX_SERVER_URI2"};
    *h = (struct hold){.fd = -1};
    if (getenv("SLURM_STEP_ID") == NULL)
        return;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && h->port == 0; i++)
        h->port = port_of(getenv(names[i]));
}

static bool leads_to(int fd, uint16_t port)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } peer;
    socklen_t size = sizeof(peer);
    if (getpeername(fd, &peer.any, &size) != 0)
        return false;
    if (peer.any.sa_family == AF_INET)
        return ntohs(peer.v4.sin_port) == port;
    return peer.any.sa_family == AF_INET6 && ntohs(peer.v6.sin6_port) == port;
}

static bool is_socket(DIR *folder, const char *name)
{
    char what[64];
    ssize_t n = readlinkat(dirfd(folder), name, what, sizeof(what));
    return n > 7 && memcmp(what, "socket:", 7) == 0;
}

void hold_look(struct hold *h, pid_t pid)
{
    char path[32];
    if (h->port == 0 || h->fd >= 0)
        return;
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    rota_auto(fd) int process = folder != NULL ? pidfd_open(pid, 0) : -1;
    const struct dirent *entry;
    while (process >= 0 && h->fd < 0 && (entry = readdir(folder)) != NULL) {
        if (!is_socket(folder, entry->d_name))
            continue;
        int fd = pidfd_getfd(process, atoi(entry->d_name), 0);
        if (fd >= 0 && leads_to(fd, h->port))
            h->fd = fd;
        else if (fd >= 0)
            close(fd);
    }
    if (folder != NULL)
        closedir(folder);
}

void hold_done(struct hold *h)
{
    if (h->fd >= 0)
        close(h->fd);
    h->fd = -1;
}
