/* lock.c - one run at a time writes to a run file */
#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "rota.h"

enum {
    LOCK_BYTE = 0x40000200,
};

static struct flock the_byte(void)
{
    return (struct flock){
        .l_type = F_WRLCK,
        .l_whence = SEEK_SET,
        .l_start = LOCK_BYTE,
        .l_len = 1,
    };
}

int lock_take(int fd)
{
    struct flock l = the_byte();
    if (fcntl(fd, F_OFD_SETLK, &l) == 0)
        return 0;
    return errno == EAGAIN || errno == EACCES ? ROTA_E_STATE : ROTA_E_IO;
}

int lock_ask(int fd, bool *held)
{
    struct flock l = the_byte();
    if (fcntl(fd, F_OFD_GETLK, &l) != 0)
        return ROTA_E_IO;
    *held = l.l_type != F_UNLCK;
    return 0;
}
