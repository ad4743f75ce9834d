#!/bin/sh
# The Makefile under the other make, in a copy; and `make install` into a
# folder, from where the program must find its children.
set -eu
cd "$(dirname "$0")/.."
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
mkdir "$t/src"
cp -R Makefile lib interimap imapchild statedb man etc "$t/src/"
cd "$t/src"
find . -name '*.o' -exec rm -f {} +
rm -f interimap/interimap imapchild/imapchild statedb/statedb
bmake -j2 WERROR=-Werror PREFIX="$t/usr" >"$t/log" 2>&1 ||
    { tail -20 "$t/log"; exit 1; }
bmake PREFIX="$t/usr" install >"$t/log" 2>&1 || { tail -20 "$t/log"; exit 1; }
for f in bin/interimap libexec/interimap/imapchild \
    libexec/interimap/statedb share/man/man1/interimap.1 \
    share/bash-completion/completions/interimap lib/systemd/user/interimap.timer; do
	[ -e "$t/usr/$f" ] || { echo "not installed: $f"; exit 1; }
done
rm -rf "$t/src"
"$t/usr/bin/interimap" --version
make -f "$OLDPWD/Makefile" -C "$OLDPWD" -n install DESTDIR="$t/d" \
    PREFIX=/usr >/dev/null
