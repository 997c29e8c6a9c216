#!/bin/sh
# layers.sh SOURCE_DIR - who may include whom (src/ARCHITECTURE.md), and where MPI is
#
# A part may include its own headers, base's, rota.h and the system's; besides those,
# what stands in may(). mpi.h is for the parts that speak MPI.
set -eu
cd "$1/src"

may() { # PART: the other parts whose headers it may include
    case $1 in
    cli) echo farm guard launch store ;;
    farm) echo schedule message execute store ;;
    message) echo liveness ;;
    guard) echo launch liveness ;;
    esac
}

wrong=0
for file in */*.[ch] */*/*.[ch]; do
    part=${file%%/*}
    allowed=" $part base $(may "$part") "
    for header in $(sed -n 's/^#include "\(.*\)"/\1/p' "$file"); do
        case $header in
        rota.h) continue ;;
        */*) ;;
        *) echo "$file: include \"$header\" by its part's name" && wrong=1 ;;
        esac
        case $allowed in
        *" ${header%%/*} "*) ;;
        *) echo "$file: part '$part' may not include '$header'" && wrong=1 ;;
        esac
    done
    case $part in
    message | guard) continue ;;
    esac
    if grep -n '#include <mpi.h>' "$file"; then
        echo "$file: MPI is for src/message and src/guard"
        wrong=1
    fi
done
exit $wrong
