#!/bin/sh
#
# Copyright (c) 2026 The interimap authors
#
# Permission to use, copy, modify, and distribute this software for any
# purpose with or without fee is hereby granted, provided that the above
# copyright notice and this permission notice appear in all copies.
#
# THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
# WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
# MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
# ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
# WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
# ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
# OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
#
#
# The TLS layer against servers with certificates of scratch authorities:
# chain, name, dates, SNI, fingerprints, versions, cuts, octet by octet.
#
#	tls.sh build/tls_client
#
# The client enters the real sandbox before the handshake (the one built with
# sanitizers does not).  Needs openssl(1) and python3.  Leaves nothing behind.

set -u
client=$1
here=$(dirname "$0")
tmp=$(mktemp -d) || exit 1
pids=
failed=0
count=0
unset SSL_CERT_FILE SSL_CERT_DIR

cleanup() {
	for pid in $pids; do
		kill "$pid" 2>/dev/null
	done
	wait
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

# ca NAME: a scratch authority.
ca() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -keyout "$tmp/$1.key" -out "$tmp/$1.pem" -subj "/CN=authority $1" \
	    -days 30 >/dev/null 2>&1 || exit 1
}

# cert NAME CA SAN DAYS: a certificate of a server.  Negative DAYS: expired.
cert() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	    -keyout "$tmp/$1.key" -out "$tmp/$1.csr" -subj "/CN=server $1" \
	    >/dev/null 2>&1 &&
	printf 'subjectAltName=%s\n' "$3" >"$tmp/$1.ext" &&
	openssl x509 -req -in "$tmp/$1.csr" -CA "$tmp/$2.pem" \
	    -CAkey "$tmp/$2.key" -CAcreateserial -days "$4" \
	    -extfile "$tmp/$1.ext" -out "$tmp/$1.pem" >/dev/null 2>&1 ||
	    exit 1
}

# server NAME CERT [option ...]: start one; sets port_NAME.
server() {
	name=$1 crt=$2
	shift 2
	python3 "$here/tls_server.py" --port "$tmp/$name.port" \
	    --log "$tmp/$name.sni" --cert "$tmp/$crt.pem" \
	    --key "$tmp/$crt.key" "$@" &
	pids="$pids $!"
	i=0
	while [ ! -f "$tmp/$name.port" ]; do
		i=$((i + 1))
		[ $i -lt 200 ] || { echo "no server $name"; exit 1; }
		sleep 0.05
	done
	eval "port_$name=\$(cat \"\$tmp/$name.port\")"
}

# spki FILE ALGO: the digest of a certificate's key, by openssl(1).
spki() {
	openssl x509 -in "$1" -pubkey -noout |
	    openssl pkey -pubin -outform DER |
	    openssl dgst "-$2" -r | cut -d' ' -f1
}

# run LABEL PATTERN option ...: the client's output must match the pattern.
run() {
	label=$1 want=$2
	shift 2
	count=$((count + 1))
	out=$("$client" "$@" 2>&1)
	status=$?
	out=$(printf '%s' "$out" | tr '\n' '|')
	case $out in
	$want) ;;
	*)
		echo "FAILED $label: got \"$out\" (status $status)," \
		    "wanted \"$want\""
		failed=$((failed + 1))
		;;
	esac
}

ca good
ca other
cert plain good DNS:mail.example.org 30
cert ip good IP:127.0.0.1,IP:::1 30
cert wild good 'DNS:*.example.org' 30
cert old good DNS:mail.example.org -1
server plain plain
server ip ip
server wild wild
server old old
server tls12 plain --max12
server clear plain --plain
server notify plain --bye notify
server cut plain --bye cut

mail="host=mail.example.org port=$port_plain"
trust="cafile=$tmp/good.pem"
ok='tls TLSv1.3, TLS_*|greeting \* OK ready'
s256=$(spki "$tmp/plain.pem" sha256)
s512=$(spki "$tmp/plain.pem" sha512)
s1=$(spki "$tmp/plain.pem" sha1)
bad=$(spki "$tmp/ip.pem" sha256)
up=$(printf %s "$s256" | tr a-f A-F)

# The chain.
run 'right CA' "$ok" $mail $trust
run 'right CA, no IPv6 name' "$ok" host=mail.example.org. port=$port_plain \
    $trust
mkdir "$tmp/path" || exit 1
cp "$tmp/good.pem" "$tmp/other.pem" "$tmp/path" && openssl rehash "$tmp/path"
run 'right CA in a folder' "$ok" $mail "capath=$tmp/path"
run 'wrong CA' 'error TLS certificate of mail.example.org refused: *verif*openssl s_client -connect mail.example.org:*SSL_CAfile*SSL_fingerprint*s_client*openssl x509 -pubkey*dgst -sha256*' \
    $mail "cafile=$tmp/other.pem"
run 'system CAs' '*[Cc]ertificate*' $mail
run 'expired' 'error TLS certificate of mail.example.org refused: *expired*' \
    host=mail.example.org port=$port_old $trust
run 'wrong CA, not verified' "$ok" $mail verify=0
run 'expired, not verified' "$ok" host=mail.example.org port=$port_old \
    verify=0
run 'no CA file' 'prepare SSL_CAfile */none: No such file*' $mail \
    "cafile=$tmp/none"
printf 'x\n-----BEGIN CERTIFICATE-----\nx\n' >"$tmp/broken.pem"
run 'broken CA file' 'prepare TLS: *' $mail "cafile=$tmp/broken.pem"

# The name.
run 'wrong name' "error TLS certificate of mail.example.com refused: it names another host (/CN=server plain)*SSL_fingerprint=sha256\$$up*" \
    host=mail.example.com port=$port_plain $trust
run 'wrong name, not verified' "$ok" host=mail.example.com port=$port_plain \
    verify=0
run 'SNI right, name wrong' 'error TLS *names another host*' \
    host=mail.example.com port=$port_plain $trust sni=mail.example.org
run 'SNI differs' "$ok" $mail $trust sni=virtual.example.net
run 'no SNI' "$ok" $mail $trust sni=
run 'wildcard' "$ok" host=a.example.org port=$port_wild $trust
run 'wildcard, one label only' 'error TLS *names another host*' \
    host=a.b.example.org port=$port_wild $trust
run 'wildcard, not the parent' 'error TLS *names another host*' \
    host=example.org port=$port_wild $trust
run 'IPv4 address' "$ok" host=127.0.0.1 port=$port_ip $trust
run 'IPv4 literal' "$ok" 'host=[127.0.0.1]' port=$port_ip $trust
run 'IPv6 literal' "$ok" 'host=[::1]' port=$port_ip $trust
run 'wrong address' 'error TLS *names another host*' host=127.0.0.2 \
    port=$port_ip $trust
run 'address, certificate of a name' 'error TLS *names another host*' \
    host=127.0.0.1 port=$port_plain $trust
want='mail.example.org
virtual.example.net
-'
got=$(grep -e '^mail.example.org$' -e '^virtual' -e '^-$' "$tmp/plain.sni" |
    awk '!seen[$0]++')
if [ "$got" != "$want" ]; then
	echo "FAILED SNI sent: $got"
	failed=$((failed + 1))
fi
if grep -qv '^-$' "$tmp/ip.sni"; then
	echo 'FAILED an address was sent as SNI'
	failed=$((failed + 1))
fi

# Fingerprints.
run 'fingerprint' "$ok" $mail $trust "pins=$s256"
run 'fingerprint, upper case' "$ok" $mail $trust "pins=SHA256\$$up"
run 'fingerprint sha1' "$ok" $mail $trust "pins=sha1\$$s1"
run 'fingerprint sha512' "$ok" $mail $trust "pins=sha512\$$s512"
run 'second fingerprint' "$ok" $mail $trust "pins=$bad sha512\$$s512"
run 'fingerprint without a CA' "$ok" $mail verify=0 "pins=$s256"
run 'wrong fingerprint' "error TLS certificate of mail.example.org refused: its key has the fingerprint sha256\$$up, which SSL_fingerprint does not list" \
    $mail $trust "pins=$bad"
run 'wrong fingerprint, not verified' 'error TLS *fingerprint sha256$*' \
    $mail verify=0 "pins=$bad"
run 'right fingerprint, wrong CA' 'error TLS *verif*' $mail \
    "cafile=$tmp/other.pem" "pins=$s256"
run 'ill fingerprint' 'prepare SSL_fingerprint sha1$00: sha1 has 40 hex*' \
    $mail 'pins=sha1$00'

# Versions and ciphers.
run 'TLS 1.2 server' 'tls TLSv1.2, *|greeting \* OK ready' \
    host=mail.example.org port=$port_tls12 $trust
run 'TLS 1.3 wanted of a TLS 1.2 server' 'error TLS TLS handshake with mail.example.org: *version*' \
    host=mail.example.org port=$port_tls12 $trust min=TLSv1.3
run 'TLS 1.2 at most' 'tls TLSv1.2, *|greeting \* OK ready' $mail $trust \
    max=TLSv1.2
run 'a cipher' 'tls TLSv1.2, ECDHE-ECDSA-CHACHA20-POLY1305|*' $mail $trust \
    max=TLSv1.2 ciphers=ECDHE-ECDSA-CHACHA20-POLY1305
run 'no cipher' 'prepare TLS: *cipher*' $mail $trust ciphers=NONESUCH
run 'SSLv3' 'prepare SSL_protocol_min = SSLv3: broken*' $mail $trust min=SSLv3
run 'no TLSv1.3' 'tls TLSv1.2, *|greeting \* OK ready' $mail $trust \
    'protocols=!TLSv1.3'
run 'TLSv1.3 only, of a TLS 1.2 server' 'error TLS *version*' \
    host=mail.example.org port=$port_tls12 $trust protocols=TLSv1.3
run 'versions with a gap' 'prepare SSL_protocols: *no range*' $mail $trust \
    'protocols=TLSv1.3 TLSv1.1'
run 'no TLS at all' 'error TLS TLS handshake with mail.example.org: *' \
    host=mail.example.org port=$port_clear $trust

# Octets.
run 'echo' "$ok|echo ok" $mail $trust echo=5000000
run 'echo, TLS 1.2' 'tls TLSv1.2*echo ok' $mail $trust echo=5000000 max=TLSv1.2
run 'octet by octet' "$ok|echo ok" $mail $trust drip=1 echo=20000
run 'closed at once' 'error NET *' $mail $trust cut=0
for cut in 1 4 5 6 60 127 128 400 700; do
	run "cut at $cut" 'error NET mail.example.org closed the connection during the TLS handshake' \
	    $mail $trust cut=$cut
done
run 'close_notify' "$ok|eof " host=mail.example.org port=$port_notify $trust \
    bye=1
run 'closed without it' "$ok|eof " host=mail.example.org port=$port_cut \
    $trust bye=1

if [ $failed -ne 0 ]; then
	echo "$failed of $count failed ($client)"
	exit 1
fi
echo "  ok tls.sh $client: $count cases"
