#!/bin/sh
# The manual pages are there and clean.
set -eu
cd "$(dirname "$0")/.."
for p in man/interimap.1 man/imapchild.8 man/statedb.8; do
	[ -s "$p" ] || { echo "missing: $p"; exit 1; }
done
mandoc -Tlint -Wwarning man/*.[1-9]
