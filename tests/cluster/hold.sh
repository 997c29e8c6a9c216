#!/bin/sh
# hold.sh - two hosts for another program, until standard input ends
#
# Says in one line where their folder is, their subnet, host2's link and its network
# namespace.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/hosts.sh"
hosts_up
ip link set lo up
echo "$dir $net.0/24 r$tag-2 $(host_space host2)"
cat >/dev/null
