#!/bin/sh
# What is in etc/ fits the program: the completions know its options, no more
# and no less, and complete; the units are such; the line for cron is one.
set -eu
cd "$(dirname "$0")/.."
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
fail() { echo "$*"; exit 1; }

sed -n 's/^	{ "\([a-z-]*\)",.*OPT_.*/--\1/p' interimap/options.c | sort >"$t/have"
[ -s "$t/have" ] || fail "no options in options.c"
for f in etc/interimap.bash etc/_interimap; do
	grep -o -- '--[a-z][a-z-]*' $f | sort -u >"$t/said"
	diff "$t/have" "$t/said" || fail "$f: other options than the program"
done

# The words that follow a line.
complete() {		# line
	HOME=$t bash -c '. etc/interimap.bash
	    IFS=" " read -ra COMP_WORDS <<<"$(sed "s/=/ = /g" <<<"$1")"
	    case $1 in *[\ =]) COMP_WORDS+=("") ;; esac
	    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	    _interimap 2>/dev/null; echo "${COMPREPLY[*]}"' complete "$1"
}
expect() {		# line words
	got=$(complete "$1")
	[ "$got" = "$2" ] || fail "'$1' is completed with '$got', not '$2'"
}
mkdir -p "$t/.config/interimap"
: >"$t/.config/interimap/work"
expect 'interimap --rep' --repair
expect 'interimap --target=lo' local
expect 'interimap --target=local,da' local,database
expect 'interimap --config=w' work
expect 'interimap --config w' work
expect 'interimap -- --rep' ''

mkdir "$t/units"
for f in etc/*.service etc/*.timer; do
	sed 's,@BINDIR@,/bin,; s,/bin/interimap,/bin/true,' $f \
	    >"$t/units/${f#etc/}"
done
cp "$t/units/interimap@.service" "$t/units/interimap@x.service"
cp "$t/units/interimap@.timer" "$t/units/interimap@x.timer"
if command -v systemd-analyze >/dev/null; then
	XDG_RUNTIME_DIR=$t systemd-analyze --user verify \
	    "$t"/units/interimap.* "$t"/units/interimap@x.* 2>&1 |
	    tee "$t/said" >&2
	! grep -q "$t" "$t/said" || fail "units"
else
	echo "systemd-analyze is not here: the units were not verified"
fi
grep -v '^#' etc/interimap.cron | grep -qx '\*/5\( \*\)\{4\}	interimap --quiet' ||
    fail "etc/interimap.cron"
