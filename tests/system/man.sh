#!/bin/sh
# man.sh MPICC SOURCE BUILD - the man pages say what there is, and nothing else
#
# Synopses, structures and programs of section 3 are compiled against rota.h, and the
# programs run; flags, commands and tables are compared with those of the program.
set -eu
mpicc=$1
source=$2
build=$3
. "$(dirname "$0")/check.sh"
made=$TMPDIR/check.man
mkdir "$made"
man=$source/docs/man

# Blocks of literal text of a PAGE, to files BASE-1, BASE-2, ... A backslash is doubled
# in them.
blocks() { # PAGE BASE
    awk -v base="$2" '
        /^```$/ { if (file) { close(file); file = "" } else file = base "-" ++n; next }
        file { gsub(/\\\\/, "\\"); print > file }' "$1"
}

compile() { # FILE [OPTION...]
    file=$1
    shift
    run 0 "$mpicc" -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -I"$source/include" \
        "$file" "$@"
}

# A structure that a page shows, under another name, has the members of rota.h's, of the
# same types and at the same places.
same_struct() { # BLOCK
    awk '
        /^struct / {
            name = $2
            print "#include <rota.h>\n#include <stddef.h>"
            $2 = "shown"
        }
        { print }
        /;$/ && !/^}/ {
            sub(/(\[.*\])?;$/, "")
            sub(/.*[ *]/, "")
            members = members "_Static_assert(offsetof(struct shown, " $0 \
                ") == offsetof(struct " name ", " $0 ") && __builtin_types_compatible_p(" \
                "__typeof__(((struct shown *)0)->" $0 "), " \
                "__typeof__(((struct " name " *)0)->" $0 ")), \"\");\n"
        }
        END {
            print "_Static_assert(sizeof(struct shown) == sizeof(struct " name "), \"\");"
            print members
        }' "$1"
}

begin "synopses, structures and programs of section 3"
: >"$made/declared"
programs=0
for page in "$man"/*.3.scd; do
    base=$made/$(basename "$page" .scd)
    blocks "$page" "$base"
    cat "$base-1" >>"$made/declared"
    for block in "$base"-*; do
        if grep -q 'int main(' "$block"; then
            cp "$block" "$block.c"
            compile "$block.c" -o "$block.exe" -L"$build" -l:librota.a -lsodium
            run 0 "$block.exe"
            programs=$((programs + 1))
        elif grep -q '^struct .* {$' "$block"; then
            same_struct "$block" >"$block.c"
            compile "$block.c" -fsyntax-only
            grep '^struct' "$block" >>"$made/shown"
        else
            { echo '#include <rota.h>' && cat "$block"; } >"$block.c"
            compile "$block.c" -fsyntax-only
        fi
    done
done
[ "$programs" -eq 2 ] || failed "$programs programs instead of 2"

begin "all of rota.h is in section 3"
for word in $(sed -n 's/^ROTA_API .*[ *]\(rota_[a-z_]*\)(.*/\1/p' "$source/include/rota.h"); do
    grep -q "[ *]$word(" "$made/declared" || failed "no synopsis of $word"
done
for word in $(sed -n 's/^struct \(rota_[a-z_]*\) {.*/\1/p' "$source/include/rota.h"); do
    grep -q "struct $word {" "$made/shown" || failed "struct $word is not shown"
done
for word in $(grep -o 'ROTA_[A-Z_]*' "$source/include/rota.h" |
    grep -vE '^ROTA_(H|API|CODES|CODE_VALUE|OUTCOMES|E_|)$' | sort -u); do
    grep -qw "$word" "$man"/*.3.scd || failed "$word stands on no page"
done

begin "commands and flags"
commands=$(commands "$build/rota")
[ "$(echo "$commands" | wc -l)" -ge 4 ] || failed "only these commands: $commands"
for command in $commands; do
    grep -q "rota-$command\*(1)" "$man/rota.1.scd" || failed "rota(1) has no $command"
    flags "$build/rota" "$command" | sort >"$made/helped"
    sed -n '/^# OPTIONS/,/^# [A-Z]/s/^\*-/*-/p' "$man/rota-$command.1.scd" |
        grep -oE '\*-[^*]*\*' | tr -d '*' | sort >"$made/described"
    [ -s "$made/helped" ] || failed "$command --help has no flags"
    diff "$made/helped" "$made/described" >"$out" ||
        failed "rota-$command(1) has other flags (>) than rota $command --help (<)"
done

begin "what is shown on a terminal fits one of 80 columns"
for command in "" $commands; do
    run 0 "$build/rota" $command --help
    awk 'length > 79' "$out" >"$made/wide"
    [ ! -s "$made/wide" ] || failed "rota $command --help: $(cat "$made/wide")"
done

begin "the run file's tables"
for word in $(sed -n 's/^ \*  *\([a-z_]*\)  *\(INTEGER\|TEXT\|BLOB\).*/\1/p
    s/^ \*     \([a-z]*\)  .*/\1/p' "$source/src/store/schema.h" | sort -u); do
    grep -qw "$word" "$man/rota-runfile.5.scd" || failed "rota-runfile(5) has no $word"
done
version=$(sed -n 's/.*SCHEMA_VERSION = \([0-9]*\),.*/\1/p' "$source/src/store/schema.h")
tr '\n' ' ' <"$man/rota-runfile.5.scd" | grep -q "user_version\* the format's version, $version\." ||
    failed "rota-runfile(5) is of another version than $version"
