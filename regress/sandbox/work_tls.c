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
 * A TLS handshake in the locked stage of imapchild: chain, name and a digest
 * of the certificate are checked under the filter, with what DESIGN calls the
 * preparation and nothing else.  The server is a process of its own, its key
 * and certificate never touch a file.
 */
#include <sys/types.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <tls.h>
#include <unistd.h>

#include "sandbox_test.h"

#define NAME	"imap.example.net"
#define GREETING "* OK ready\r\n"

struct pem {
	char	key[4096], cert[4096];
};

static int
to_pem(EVP_PKEY *key, X509 *cert, struct pem *pem)
{
	BIO *k = BIO_new(BIO_s_mem()), *c = BIO_new(BIO_s_mem());
	int rc = -1;

	if (k != NULL && c != NULL &&
	    PEM_write_bio_PrivateKey(k, key, NULL, NULL, 0, NULL, NULL) == 1 &&
	    PEM_write_bio_X509(c, cert) == 1) {
		rc = BIO_read(k, pem->key, sizeof(pem->key) - 1) > 0 &&
		    BIO_read(c, pem->cert, sizeof(pem->cert) - 1) > 0 ? 0 : -1;
	}
	BIO_free(k);
	BIO_free(c);
	return rc;
}

/* A certificate that signs itself and is its own authority. */
static int
make_cert(struct pem *pem)
{
	X509_EXTENSION *ext = NULL;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	X509_NAME *name;
	int rc = -1;

	if (key == NULL || cert == NULL)
		return -1;
	name = X509_get_subject_name(cert);
	ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name,
	    "DNS:" NAME);
	if (ext != NULL && X509_set_version(cert, 2) == 1 &&
	    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) == 1 &&
	    X509_gmtime_adj(X509_getm_notBefore(cert), -3600) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(cert), 86400) != NULL &&
	    X509_set_pubkey(cert, key) == 1 &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)NAME, -1, -1, 0) == 1 &&
	    X509_set_issuer_name(cert, name) == 1 &&
	    X509_add_ext(cert, ext, -1) == 1 &&
	    X509_sign(cert, key, EVP_sha256()) > 0)
		rc = to_pem(key, cert, pem);
	X509_EXTENSION_free(ext);
	X509_free(cert);
	EVP_PKEY_free(key);
	return rc;
}

/* One connection: greet, then wait for the other end to go. */
static int
serve(int fd, const struct pem *pem)
{
	struct tls_config *cfg = tls_config_new();
	struct tls *srv = tls_server(), *con;
	char c;

	if (cfg == NULL || srv == NULL || tls_config_set_keypair_mem(cfg,
	    (const uint8_t *)pem->cert, strlen(pem->cert),
	    (const uint8_t *)pem->key, strlen(pem->key)) == -1 ||
	    tls_configure(srv, cfg) == -1 ||
	    tls_accept_socket(srv, &con, fd) == -1)
		return 1;
	if (tls_write(con, GREETING, strlen(GREETING)) !=
	    (ssize_t)strlen(GREETING))
		return 1;
	return tls_read(con, &c, 1) > 0;
}

/* A digest of libcrypto is looked up before the process locks, too. */
static struct tls *
prepare(const struct pem *pem, EVP_MD **md)
{
	struct tls_config *cfg;
	struct tls *tls;

	if (tls_init() == -1 || (cfg = tls_config_new()) == NULL ||
	    (tls = tls_client()) == NULL ||
	    (*md = EVP_MD_fetch(NULL, "SHA256", NULL)) == NULL)
		return NULL;
	if (tls_config_set_ca_mem(cfg, (const uint8_t *)pem->cert,
	    strlen(pem->cert)) == -1 || tls_configure(tls, cfg) == -1)
		return NULL;
	tls_config_free(cfg);
	return tls;
}

/* A session ticket may come first: the socket blocks, so just try again. */
static ssize_t
read_line(struct tls *tls, char *line, size_t size)
{
	ssize_t n;

	do
		n = tls_read(tls, line, size);
	while (n == TLS_WANT_POLLIN || n == TLS_WANT_POLLOUT);
	return n;
}

static int
talk(struct tls *tls, int fd, const EVP_MD *md)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	char line[64] = "";
	unsigned int len;

	if (tls_connect_socket(tls, fd, NAME) == -1 ||
	    tls_handshake(tls) == -1 ||
	    read_line(tls, line, sizeof(line) - 1) <= 0) {
		printf("# %s\n", tls_error(tls));
		return EIO;
	}
	if (!tls_peer_cert_contains_name(tls, NAME) ||
	    tls_peer_cert_contains_name(tls, "other.example.net") ||
	    strcmp(line, GREETING) != 0)
		return EBADMSG;
	if (EVP_Digest(line, strlen(line), digest, &len, md, NULL) != 1 ||
	    len != 32)
		return EDOM;
	tls_close(tls);
	return 0;
}

int
work_tls(struct scene *s)
{
	struct pem pem = { { 0 }, { 0 } };
	char err[256];
	struct tls *tls;
	EVP_MD *md;
	int sp[2];

	if (make_cert(&pem) == -1 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, sp) == -1)
		return EPROTO;
	switch (fork()) {
	case -1:
		return errno;
	case 0:
		close(sp[0]);
		_exit(serve(sp[1], &pem));
	}
	close(sp[1]);
	if (sandbox_enter(SANDBOX_IMAP_START, NULL, err, sizeof(err)) == -1 ||
	    (tls = prepare(&pem, &md)) == NULL ||
	    sandbox_enter(SANDBOX_IMAP_LOCKED, NULL, err, sizeof(err)) == -1)
		return EPROTO;
	return talk(tls, sp[0], md);
}
