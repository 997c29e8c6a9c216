#!/bin/sh
# install.sh SOURCE BUILD - what is installed is whole: it runs, programs are built with it,
# and it can be removed
set -eu
source=$1
build=$2
. "$(dirname "$0")/check.sh"
root=$TMPDIR/check.root
prefix=/opt/a\ place
export DESTDIR="$root" PREFIX="$prefix" BUILD="$build"
here=$root$prefix

begin "install"
run 0 "$source/tools/install"
[ "$(ls "$root" "$root/opt")" = "$(printf '%s:\nopt\n\n%s/opt:\na place' "$root" "$root")" ] ||
    failed "something was put beside the prefix"
for file in bin/rota include/rota.h lib/librota.a lib/pkgconfig/rota.pc \
    share/man/man1/rota-run.1 share/man/man3/rota_submit.3 share/man/man5/rota-runfile.5 \
    share/bash-completion/completions/rota share/zsh/site-functions/_rota \
    share/doc/rota/README.md share/doc/rota/farm.md share/doc/rota/examples/farm_hello.c; do
    [ -f "$here/$file" ] || failed "no $file"
done
run 1 grep -rl "$root" "$here/lib/pkgconfig" "$here/share"

begin "uninstall"
echo mine >"$here/share/doc/mine"
run 0 "$source/tools/install" uninstall
[ "$(cd "$root" && find . ! -type d)" = './opt/a place/share/doc/mine' ] ||
    failed "left: $(cd "$root" && find . ! -type d)"
[ ! -d "$here/share/doc/rota" ] || failed "a folder was left"
run 2 env PREFIX=some/where "$source/tools/install"
says "PREFIX 'some/where' is not a whole path"

# Into a place where it may be used at once, as programs that are built with it want.
here=$TMPDIR/check.here
run 0 env -u DESTDIR PREFIX="$here" "$source/tools/install"

begin "one version"
version=$("$here/bin/rota" --version)
[ "$version" = "rota $(PKG_CONFIG_PATH="$here/lib/pkgconfig" pkg-config --modversion rota)" ] ||
    failed "$version is not pkg-config's"
[ "$version" = "$(sed -n '1s/ (\(.*\)).*/ \1/p' "$source/debian/changelog")" ] ||
    failed "$version is not debian/changelog's"
grep -q "\"${version#rota }\|Rota ${version#rota }" "$here/share/man/man1/rota.1" ||
    failed "$version is not the man pages'"

begin "the program"
run 0 "$here/bin/rota" run -k echo ::: a b
same "$out" 'a\nb\n'

begin "the guard finds what it preloads"
run 3 "$here/bin/rota" guard -n 4 -- "$build/examples/fail_mpi"

# tools/install builds the program, and what this needs: where nothing was built before.
for library in "$here"/lib/rota/*.so; do
    run 0 ninja -C "$build" -t query rota
    grep -q "${library##*/}" "$out" || failed "${library##*/} may be missing in a fresh build"
done

begin "the library's names are Rota's"
run 0 nm -g --defined-only "$here/lib/librota.a"
names=$(awk 'NF == 3 && $3 !~ /^rota_/ { print $3 }' "$out")
[ "$names" = MPI_Finalize ] || failed "it defines $names"

begin "the header in C++"
if command -v g++ >/dev/null; then
    echo '#include <rota.h>' >"$TMPDIR/check.cpp"
    run 0 g++ -std=c++11 -I"$here/include" -fsyntax-only -Wall -Wextra -Wpedantic -Wshadow \
        -Wold-style-cast -Wconversion -Werror "$TMPDIR/check.cpp"
    silent
fi

begin "the examples"
cp -r "$here/share/doc/rota/examples" "$TMPDIR/check.examples"
cd "$TMPDIR/check.examples"
export PKG_CONFIG_PATH="$here/lib/pkgconfig"
run 0 make CFLAGS='-Wall -Werror' farm_hello farm_crash fail
run 0 ./farm_hello
[ -s "$out" ] || failed "farm_hello says nothing"
run 0 env OMPI_MCA_rmaps_base_oversubscribe=1 "$here/bin/rota" exec -n 3 ./farm_hello
[ -s "$out" ] || failed "farm_hello says nothing on three ranks"
