#!/bin/sh
# Install what building and testing interimap needs.  Debian and its kin: by
# apt-get, with sudo when not root, after saying what.  Elsewhere: print names.
#
#	etc/packages.sh build	compiler and libraries
#	etc/packages.sh test	these, and what `make demo` and `make check` use
#	etc/packages.sh fuzz	these, and what `make fuzz` uses
#	etc/packages.sh bench	those of the tests, and what `make bench-full` uses
#
# Does nothing when all is there.
set -eu

build="gcc make pkg-config libtls-dev libsqlite3-dev zlib1g-dev libbsd-dev
libpcre2-dev libseccomp-dev linux-libc-dev"
# Cyrus itself is unpacked by the tests: what it is linked with, and its SASL.
cyrus="sasl2-bin libsasl2-modules libsasl2-modules-db libical3 libxapian30
libicu72 libjansson4 libpcre3 libpq5 libldap-2.5-0 libwrap0 libxml2 libnsl2
libgssapi-krb5-2 libcom-err2"
test="$build libcmocka-dev python3 dovecot-imapd openssl strace util-linux
binutils bmake mandoc interimap patch procps $cyrus"
fuzz="$test clang libclang-rt-14-dev"
bench="$test isync valgrind libssl-dev"

case ${1:-build} in
build)	want=$build ;;
test)	want=$test ;;
fuzz)	want=$fuzz ;;
bench)	want=$bench ;;
*)	echo "usage: etc/packages.sh [build|test|fuzz|bench]" >&2; exit 1 ;;
esac

if ! command -v apt-get >/dev/null 2>&1 || ! command -v dpkg >/dev/null 2>&1
then
	cat <<-TXT
	This system has no apt-get.  Please install, by the names it has here:
	a C compiler, make, pkg-config, libtls (LibreSSL or LibreTLS), SQLite 3,
	zlib, libbsd (not on BSD), PCRE2, libseccomp (Linux only);
	for the tests: cmocka, Python 3, Dovecot, openssl, strace, bmake,
	mandoc; for the fuzzing: clang with its sanitizers.
	TXT
	exit 0
fi

missing=
for p in $want; do
	case $(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null || :) in
	installed) ;;
	*) missing="$missing $p" ;;
	esac
done
[ -n "$missing" ] || exit 0

echo "Installing with apt-get:$missing"
sudo=
if [ "$(id -u)" -ne 0 ]; then
	sudo=sudo
	if ! command -v sudo >/dev/null 2>&1; then
		echo "Not root and no sudo: please install these yourself." >&2
		exit 1
	fi
fi
# Debian starts services when they are installed; the tests start their own.
policy=
if [ -z "$sudo" ] && [ ! -e /usr/sbin/policy-rc.d ]; then
	printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
	chmod 755 /usr/sbin/policy-rc.d
	policy=yes
fi
rc=0
$sudo apt-get update -q || :
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
    --no-install-recommends $missing || rc=$?
[ -z "$policy" ] || rm -f /usr/sbin/policy-rc.d
exit $rc
