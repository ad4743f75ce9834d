#!/bin/sh
# A copy of the sources in DIR, for builds that must not touch the tree: with
# other flags (kill points) or with a patch (mutants).  Copies what git tracks
# and what it would track; without git, all that is no build output.  Keeps
# times, so that make in a copy made again rebuilds what has changed.
#
#	regress/scratch.sh DIR
set -eu
[ $# -eq 1 ] || { echo "usage: scratch.sh DIR" >&2; exit 1; }
mkdir -p "$1"
to=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."

sources() {
	# Not where git would look above, from a folder that it ignores.
	[ -e .git ] && git ls-files -co --exclude-standard 2>/dev/null ||
	    find . -name .git -prune -o -path ./build -prune -o -type f \
		! -name '*.[oa]' ! -path './*/interimap' \
		! -path ./imapchild/imapchild ! -path ./statedb/statedb -print
}

sources | while read -r f; do
	[ ! -f "$f" ] || echo "$f"
done | tar -cf - -T - | tar -C "$to" -xf -
