# bash completion for rota
#
# Commands, flags and what these take are read from what `rota --help` and `rota COMMAND
# --help` print, so that there is no list of them to keep here. Needs bash 4.2, and
# nothing of the bash-completion package; where that is there, what stands behind a
# command is completed as that command would.

# The names of commands.
_rota_commands() { # ROTA
    "$1" --help 2>/dev/null | sed -nE 's/^  ([a-z]+) {2,}[a-z].*/\1/p'
}

# A line for each flag: its name, a space, what it takes (nothing, where it takes nothing).
_rota_flags() { # ROTA COMMAND
    "$1" "$2" --help 2>/dev/null | sed -nE 's/^ {2,6}(-[^ ].*)$/\1/p' |
        sed -E 's/ {2,}.*//' | awk '
        {
            takes = ""
            if (match($0, /[=] ?.*/)) { # the last name tells
                takes = $0
                sub(/.*, -/, "-", takes)
                sub(/^[^= ]*[= ]/, "", takes)
            } else if ($0 ~ /^-. [A-Z]/)
                takes = substr($0, 4)
            names = split($0, name, ", ")
            for (i = 1; i <= names; i++) {
                sub(/[= ].*/, "", name[i])
                print name[i], takes
            }
        }'
}

# What a flag that takes TAKES may be given.
_rota_values() { # TAKES CURRENT
    case $1 in
    FILE | LIST)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$2")
        ;;
    DIR | FOLDER)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -d -- "$2")
        ;;
    LAUNCHER | PROGRAM | COMMAND)
        mapfile -t COMPREPLY < <(compgen -c -- "$2")
        ;;
    NAME)
        mapfile -t COMPREPLY < <(compgen -e -- "$2")
        ;;
    HOST*)
        compopt -o nospace 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -A hostname -S : -- "$2")
        ;;
    WHAT)
        mapfile -t COMPREPLY < <(compgen -W "kill report stacks core" -- "$2")
        ;;
    *WHAT=*)
        compopt -o nospace 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -W "never $(printf '%s ' {soon,now},{fail,success,done}=)" -- "$2")
        ;;
    *'|'* | ':')
        mapfile -t COMPREPLY < <(compgen -W "${1//|/ }" -- "$2")
        ;;
    esac
}

# A command, as that would complete what stands behind it.
_rota_command() { # ITS PLACE, CURRENT
    if declare -F _command_offset >/dev/null; then
        _command_offset "$1"
    elif [ "$1" -eq "$COMP_CWORD" ]; then
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -c -- "$2")
    else
        _rota_values FILE "$2"
    fi
}

_rota() {
    local rota=${COMP_WORDS[0]/#\~/$HOME} command=${COMP_WORDS[1]}
    local current=${COMP_WORDS[COMP_CWORD]} place takes flag word
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_rota_commands "$rota")
            help --help --version" -- "$current")
        return
    fi
    if [ "$command" = help ]; then
        [ "$COMP_CWORD" -gt 2 ] ||
            mapfile -t COMPREPLY < <(compgen -W "$(_rota_commands "$rota")" -- "$current")
        return
    fi

    local -A flags=()
    while read -r flag takes; do
        flags[$flag]=$takes
    done < <(_rota_flags "$rota" "$command")

    # Up to the word in question: what wants a value, and what is none of the flags.
    # `--flag=value` is three words, `=` the second of them.
    flag=
    for ((place = 2; place < COMP_CWORD; place++)); do
        word=${COMP_WORDS[place]}
        if [ -n "$flag" ]; then
            [ "$word" = = ] || flag=
        elif [ "$word" = -- ] && [ "$command" != run ]; then
            place=$((place + 1))
            break
        elif [[ $word == -?* && -n ${flags[$word]} ]]; then
            flag=$word
        elif [[ $word != -?* ]]; then
            break
        fi
    done
    [ "$current" != = ] || current=
    if [ -n "$flag" ]; then
        _rota_values "${flags[$flag]}" "$current"
    elif [ "$place" -eq "$COMP_CWORD" ] && [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "${!flags[*]}" -- "$current")
    elif [[ $command =~ ^(run|exec|guard)$ ]]; then
        _rota_command "$place" "$current"
    else
        _rota_values FILE "$current"
    fi
}

complete -F _rota rota
