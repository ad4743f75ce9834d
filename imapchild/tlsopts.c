/*
 * Copyright (c) 2026 The interimap authors
 *
 * Permission to use, copy, modify, and distribute this software for any
 * purpose with or without fee is hereby granted, provided that the above
 * copyright notice and this permission notice appear in all copies.
 *
 * THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
 * WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
 * MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
 * ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
 * WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
 * ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
 * OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
 */


/*
 * Options of TLS: see tlsopts.h.  Knows nothing of the library.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "msg.h"
#include "tlsopts.h"

static const char *const version_names[TLS_NVERSIONS] = {
	"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"
};

/* A version by name; -1 with a reason in errbuf. */
static int
version_parse(const char *option, struct bytes name, char *errbuf, size_t size)
{
	int i;

	for (i = 0; i < TLS_NVERSIONS; i++) {
		if (bytes_eq(name, bytes_of(version_names[i])))
			return i;
	}
	(void)snprintf(errbuf, size, "%s = %.*s: %s; use TLSv1, TLSv1.1, "
	    "TLSv1.2 or TLSv1.3", option, name.n > 100 ? 100 : (int)name.n,
	    name.p, bytes_eq(name, bytes_of("SSLv3")) ?
	    "broken and not supported" : "unknown protocol version");
	return -1;
}

/* One word of SSL_protocols: its version, -1: none that there is. */
static int
word_version(struct bytes w)
{
	int i;

	if (bytes_eq(w, bytes_of("TLSv1.0")))
		return TLS_1_0;
	for (i = 0; i < TLS_NVERSIONS; i++) {
		if (bytes_eq(w, bytes_of(version_names[i])))
			return i;
	}
	return -1;
}

/*
 * The versions that SSL_protocols leaves: those it names, or else those of our
 * own less the ones it forbids.  Bits; -1 with a reason in errbuf.
 */
static int
protocols_left(struct bytes list, char *errbuf, size_t size)
{
	struct bytes w;
	int named = 0, forbidden = 0, i, no;

	for (; list.n > 0; list.p += w.n, list.n -= w.n) {
		if (list.p[0] == ' ') {
			w.n = 1;
			continue;
		}
		w.p = list.p;
		for (w.n = 0; w.n < list.n && w.p[w.n] != ' '; w.n++)
			continue;
		no = w.p[0] == '!';
		i = word_version(no ? (struct bytes){ w.p + 1, w.n - 1 } : w);
		if (i == -1 && !no) {
			(void)snprintf(errbuf, size, "SSL_protocols: %.*s is "
			    "broken and not supported", (int)w.n, w.p);
			return -1;
		}
		if (i != -1 && no)
			forbidden |= 1 << i;
		else if (i != -1)
			named |= 1 << i;
	}
	return (named != 0 ? named : 1 << TLS_1_2 | 1 << TLS_1_3) & ~forbidden;
}

/* SSL_protocols, deprecated, as a range: the library takes no gaps. */
static int
set_protocols(struct bytes list, int *min, int *max, char *errbuf, size_t size)
{
	int i, left;

	if (list.n == 0)
		return 0;
	if ((left = protocols_left(list, errbuf, size)) == -1)
		return -1;
	*min = TLS_NVERSIONS;
	*max = -1;
	for (i = 0; i < TLS_NVERSIONS; i++) {
		if ((left & 1 << i) == 0)
			continue;
		*min = i < *min ? i : *min;
		*max = i;
	}
	if (left != 0 && left == (2 << *max) - (1 << *min))
		return 0;
	(void)snprintf(errbuf, size, "SSL_protocols: %s; use SSL_protocol_min "
	    "and SSL_protocol_max", left == 0 ? "no version is left" :
	    "the versions left are no range");
	return -1;
}

/* By default TLSv1.2 and up; below that only what was asked for. */
static int
set_versions(struct tlsopts *o, const struct msg_config *mc, char *errbuf,
    size_t size)
{
	int max = TLS_1_3, min = TLS_1_2;

	if (set_protocols(mc->protocols, &min, &max, errbuf, size) == -1)
		return -1;
	if (mc->proto_max.n > 0 && (max = version_parse("SSL_protocol_max",
	    mc->proto_max, errbuf, size)) == -1)
		return -1;
	if (mc->proto_min.n == 0 && max < min)
		min = max;
	if (mc->proto_min.n > 0 && (min = version_parse("SSL_protocol_min",
	    mc->proto_min, errbuf, size)) == -1)
		return -1;
	if (min > max) {
		(void)snprintf(errbuf, size, "SSL_protocol_min = %s is above "
		    "SSL_protocol_max = %s", version_names[min],
		    version_names[max]);
		return -1;
	}
	o->min = min;
	o->max = max;
	return 0;
}

/* "[::1]" and "example.org." as a certificate names them. */
static struct bytes
bare_host(struct bytes host)
{
	if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
		host.p++;
		host.n -= 2;
	} else if (host.n > 1 && host.p[host.n - 1] == '.')
		host.n--;
	return host;
}

static int
is_address(const char *host)
{
	struct in6_addr addr;

	return inet_pton(AF_INET, host, &addr) == 1 ||
	    inet_pton(AF_INET6, host, &addr) == 1;
}

/* SNI: SSL_hostname; by default the host, unless that is an address. */
static int
set_names(struct tlsopts *o, const struct msg_config *mc, char *errbuf,
    size_t size)
{
	o->host = bytes_dup(bare_host(mc->host));
	o->port = bytes_dup(mc->port);
	o->ciphers = bytes_dup(mc->ciphers);
	if (o->host == NULL || o->port == NULL || o->ciphers == NULL)
		goto nomem;
	if (mc->has_sni ? mc->sni.n == 0 : is_address(o->host))
		return 0;
	o->sni = mc->has_sni ? bytes_dup(mc->sni) : strdup(o->host);
	if (o->sni != NULL)
		return 0;
nomem:
	(void)snprintf(errbuf, size, "no memory");
	return -1;
}

static int
set_look(struct tlsopts *o, int starttls)
{
	int v6 = strchr(o->host, ':') != NULL;

	if (asprintf(&o->look, "openssl s_client -connect %s%s%s:%s%s%s%s "
	    "</dev/null", v6 ? "[" : "", o->host, v6 ? "]" : "", o->port,
	    starttls ? " -starttls imap" : "",
	    o->sni == NULL ? "" : " -servername ",
	    o->sni == NULL ? "" : o->sni) == -1) {
		o->look = NULL;
		return -1;
	}
	return 0;
}

static int
set_pins(struct tlsopts *o, const struct msg_config *mc, char *errbuf,
    size_t size)
{
	char *list;
	int error;

	if ((list = bytes_dup(mc->fingerprints)) == NULL) {
		(void)snprintf(errbuf, size, "no memory");
		return -1;
	}
	error = pins_parse(&o->pins, list, errbuf, size);
	free(list);
	return error;
}

/* Certificates into memory, when they will be asked for. */
static int
set_certs(struct tlsopts *o, const struct msg_config *mc, const char *deffile,
    char *errbuf, size_t size)
{
	char *file, *path;
	int error = -1;

	if (!mc->verify)
		return 0;
	file = bytes_dup(mc->cafile);
	path = bytes_dup(mc->capath);
	if (file == NULL || path == NULL)
		(void)snprintf(errbuf, size, "no memory");
	else
		error = certs_load(&o->certs, file, path, deffile, errbuf,
		    size);
	free(file);
	free(path);
	return error;
}

/* Our own certificate, when there is one. */
static int
set_identity(struct tlsopts *o, const struct msg_config *mc, char *errbuf,
    size_t size)
{
	char *cert, *key;
	int error = -1;

	if (mc->cert.n == 0)
		return 0;
	cert = bytes_dup(mc->cert);
	key = bytes_dup(mc->key);
	if (cert == NULL || key == NULL)
		(void)snprintf(errbuf, size, "no memory");
	else
		error = certs_identity(&o->cert, &o->key, cert, key, errbuf,
		    size);
	free(cert);
	free(key);
	return error;
}

/* No version, or no cipher, is known to both sides; by an alert, or here. */
static int
is_mismatch(const char *why)
{
	static const char *const words[] = {
		"protocol version", "unsupported protocol", "wrong ssl version",
		"handshake failure", "no shared cipher", "insufficient security"
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasestr(why, words[i]) != NULL)
			return 1;
	return 0;
}

void
tlsopts_refusal(const struct tlsopts *o, const char *why, char *text,
    size_t size)
{
	if (strncmp(why, "certificate ", 12) == 0)
		(void)snprintf(text, size, "certificate of %s refused: %s; see "
		    "it with \"%s\", trust its issuer with SSL_CAfile, or pin "
		    "its key with SSL_verify=NO and SSL_fingerprint=DIGEST, "
		    "which \"%s | openssl x509 -pubkey -noout | openssl pkey "
		    "-pubin -outform DER | openssl dgst -sha256\" computes",
		    o->host, why, o->look, o->look);
	else if (is_mismatch(why))
		(void)snprintf(text, size, "TLS handshake with %s: %s; "
		    TLSOPTS_COMPARE, o->host, why);
	else
		(void)snprintf(text, size, "TLS handshake with %s: %s; is %s "
		    "its port for TLS?", o->host, why, o->port);
}

int
tlsopts_closed(const struct tlsopts *o, int heard, char *text, size_t size)
{
	(void)snprintf(text, size, "%s closed the connection during the TLS "
	    "handshake%s", o->host, heard ? "" : " without a word; if it does "
	    "so each time, " TLSOPTS_COMPARE);
	return heard || !o->narrowed;
}

int
tlsopts_parse(struct tlsopts *o, const struct msg_config *mc,
    const char *deffile, char *errbuf, size_t size)
{
	memset(o, 0, sizeof(*o));
	o->verify = mc->verify;
	o->narrowed = mc->proto_min.n + mc->proto_max.n + mc->protocols.n +
	    mc->ciphers.n > 0;
	if (set_versions(o, mc, errbuf, size) == -1 ||
	    set_names(o, mc, errbuf, size) == -1 ||
	    set_pins(o, mc, errbuf, size) == -1 ||
	    set_identity(o, mc, errbuf, size) == -1)
		return -1;
	if (set_look(o, mc->type == CONN_IMAP) == -1) {
		(void)snprintf(errbuf, size, "no memory");
		return -1;
	}
	return set_certs(o, mc, deffile, errbuf, size);
}

void
tlsopts_free(struct tlsopts *o)
{
	certs_free(&o->certs);
	certs_wipe(&o->cert);
	certs_wipe(&o->key);
	pins_free(&o->pins);
	free(o->host);
	free(o->look);
	free(o->port);
	free(o->sni);
	free(o->ciphers);
	memset(o, 0, sizeof(*o));
}
