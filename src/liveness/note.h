/* note.h - what a rank and its parent say to each other on their socket pair
 *
 * Both are the same program on the same machine, so a note is a struct, and the
 * socket keeps the bounds between notes (SOCK_SEQPACKET).
 */
#ifndef ROTA_LIVENESS_NOTE_H
#define ROTA_LIVENESS_NOTE_H

#include "liveness/liveness.h"

enum note_kind {
    NOTE_INVITE = 1, /* rank: open a hub; a = size, b = one host */
    NOTE_INVITATION, /* parent: code = 0 and invitation, or an error */
    NOTE_JOIN,       /* rank: join; a = rank, b = size, invitation */
    NOTE_JOINED,     /* parent: code; a = why, an errno or 0 */
    NOTE_KEEP,       /* rank: hold this descriptor (it comes along) */
    NOTE_LEAVE,      /* rank: it sends nothing more */
    NOTE_START,      /* rank: MPI is about to begin */
    NOTE_SERVE,      /* rank: what it does now is for rank a; -1: for nobody else */
    NOTE_FENCE,      /* rank 0: cut this rank off; a = rank */
};

struct note {
    uint32_t kind;
    int32_t code;
    int32_t a;
    int32_t b;
    struct liveness_invitation invitation;
};

/* Send a note, with descriptor `fd` unless that is -1. 0 or ROTA_E_IO. */
int note_send(int socket, const struct note *n, int fd);

/* Receive one, waiting where the socket does; *fd is a descriptor that came along,
 * or -1. Returns 1, 0 where there is none now, or ROTA_E_IO (the other side has
 * gone, or what came is no note). */
int note_receive(int socket, struct note *out, int *fd);

#endif
