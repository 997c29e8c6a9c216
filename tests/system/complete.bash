#!/bin/bash
# complete.bash ROTA COMPLETIONS - what bash and zsh offer for rota: all that there is
#
# The function that bash would call is called with the words that it would have.
# shellcheck disable=SC2046,SC2086 # words are what is meant
set -eu
rota=$1
completions=$2
# shellcheck source=tests/system/check.sh
. "$(dirname "$0")/check.sh"
# shellcheck source=completions/rota.bash
. "$completions/rota.bash"
complete -p rota >"$out" || failed "nothing completes rota"
: >"$out" >"$err"
mkdir "$TMPDIR/check.here" && cd "$TMPDIR/check.here"
mkdir folder
touch list.txt 'two words.txt' program
chmod +x program
export PATH="${rota%/*}:$PATH"

compopt() { # only bash itself may call it; what it says is the look
    :
}

# What is offered for the last of these words.
offers() { # WORD...
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    _rota
    printf '%s\n' "${COMPREPLY[@]}" | sort >"$out"
}

# It is just these.
just() { # WORD...
    printf '%s\n' "$@" | sort | cmp -s - "$out" || failed "instead of: $*"
}

has() { # WORD
    grep -Fqxe "$1" "$out" || failed "does not offer $1"
}

begin "commands"
commands=$(commands "$rota")
[ "$(wc -l <<<"$commands")" -ge 4 ] || failed "only these: $commands"
offers rota ''
just $commands help --help --version
offers rota re
has report
offers rota help ''
just $commands

begin "flags"
for command in $commands; do
    offers rota "$command" -
    just $(flags "$rota" "$command")
done
offers rota run -k --dry-
just --dry-run
offers rota run -j 4 --ta
just --tag --tagstring

begin "what flags take"
offers rota run --arg-file li
just list.txt
offers rota run --arg-file = li
just list.txt
offers rota run --arg-file =
has 'two words.txt'
offers rota run -a t
just 'two words.txt'
offers rota run --wd ''
just folder
offers rota run --trim ''
just n l r lr
offers rota run --halt n
has never
offers rota exec --mpiexec "${rota##*/}"
has rota
offers rota run -I ''
just ''

begin "commands and files"
offers rota run sha256su
has sha256sum
offers rota run -k --jobs 4 sha256su
has sha256sum
offers rota run -k sha256sum l
just list.txt
offers rota exec -n 4 ./p
just ./program
offers rota guard --on-hang s
just stacks
offers rota report --json l
just list.txt

begin "zsh's flags"
# Where zsh is not installed bash's are what is tested.
if command -v zsh >/dev/null; then
    for command in $commands; do
        run 0 zsh -fc '
            words=($2 "")
            CURRENT=1
            _describe() { : }
            source "$1/_rota"
            setopt extendedglob
            _rota_specs $2 $3
            print -rl -- "${(@)${(@)specs%%[+=\[]*}#\*}"' \
            zsh "$completions" "$rota" "$command"
        sort -o "$out" "$out"
        just $(flags "$rota" "$command")
    done
fi
