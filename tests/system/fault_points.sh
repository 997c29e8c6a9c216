#!/bin/sh
# fault_points.sh SOURCE_DIR - the points of ROTA_FAULT: those that HACKING.md lists are
# those that there are, and each stands somewhere in the code
set -eu
cd "$1"

listed=$(sed -n 's/^| `\([a-z.]*\)` | `E[A-Z]*` |.*/\1/p' HACKING.md | sort)
there=$(sed -n 's/^ *X([A-Z]*, "\([a-z.]*\)",.*/\1/p' src/base/fault.h | sort)
[ -n "$there" ] && [ "$listed" = "$there" ] || {
    echo "fault_points: HACKING.md lists" $listed
    echo "fault_points: src/base/fault.h has" $there
    exit 1
}
for name in $(sed -n 's/^ *X(\([A-Z]*\), .*/\1/p' src/base/fault.h); do
    grep -rq --include=*.c "fault(FAULT_$name)" src || {
        echo "fault_points: FAULT_$name stands nowhere"
        exit 1
    }
done
