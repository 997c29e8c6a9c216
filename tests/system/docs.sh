#!/bin/sh
# docs.sh MPICC SOURCE BUILD - the programs that the documentation shows can be built
#
# Each block of C that has a main() is compiled and linked as the README says, with all
# warnings, and started by its name alone.
set -u
. "$(dirname "$0")/check.sh"
mpicc=$1
source=$2
build=$3
made=$TMPDIR/check.docs
mkdir "$made"

for page in "$source"/README.md "$source"/docs/*.md; do
    awk -v made="$made/$(basename "$page" .md)" '
        /^```c$/ { file = made "-" ++n ".c"; next }
        /^```/ { if (file) close(file); file = ""; next }
        file { print > file }' "$page"
done

programs=0
for file in $(grep -l 'int main(' "$made"/*.c); do
    begin "$(basename "$file")"
    run 0 "$mpicc" -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -I"$source/include" \
        -o "${file%.c}" "$file" -L"$build" -l:librota.a -lsodium
    run 0 "${file%.c}"
    programs=$((programs + 1))
done
begin "all pages"
[ "$programs" -ge 2 ] || failed "only $programs programs were found"

begin "the README's farm"
run 0 "$made"/README-1
[ "$(sort -n "$out" | tr '\n' ' ')" = '1 4 9 16 25 36 49 64 81 100 ' ] ||
    failed "the squares are wrong"
