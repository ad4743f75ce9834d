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
 * Reading the certificates of authorities.  libtls would look a folder up
 * while the handshake runs, when no file can be opened any more, so all that
 * it might ask for is read here, before.  Called by tls_prepare().  Nothing
 * here interprets a certificate: that is libtls's.
 */
#include <sys/stat.h>

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certs.h"

static const char pem_begin[] = "-----BEGIN ";

void
certs_free(struct certs *c)
{
	free(c->pem);
	c->pem = NULL;
	c->len = 0;
}

void
certs_wipe(struct certs *c)
{
	freezero(c->pem, c->len);
	c->pem = NULL;
	c->len = 0;
}

/* Read n octets of fd behind what is there, and a newline.  0, or -1. */
static int
read_whole(struct certs *c, int fd, size_t n)
{
	char *pem;
	ssize_t r;
	size_t got = 0;

	/* it may be a key: nothing is left where it was */
	pem = recallocarray(c->pem, c->len, c->len + n + 1, 1);
	if (pem == NULL)
		return -1;
	c->pem = pem;
	while (got < n) {
		if ((r = read(fd, pem + c->len + got, n - got)) == -1)
			return -1;
		if (r == 0)
			break;
		got += r;
	}
	pem[c->len + got] = '\n';
	c->len += got + 1;
	return 0;
}

/* Add one file.  0, or -1 with errno; no file at all is ENOENT. */
static int
add_file(struct certs *c, int dirfd, const char *path)
{
	struct stat st;
	int error = -1, fd, saved;

	/* O_NONBLOCK: a FIFO must not keep us waiting. */
	if ((fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1)
		return -1;
	if (fstat(fd, &st) == -1)
		;
	else if (!S_ISREG(st.st_mode))
		errno = EINVAL;
	else if (st.st_size > CERTS_MAX - (off_t)c->len - 1)
		errno = EFBIG;
	else
		error = read_whole(c, fd, st.st_size);
	saved = errno;
	(void)close(fd);
	errno = saved;
	return error;
}

/* "0123abcd.0": how openssl-rehash(1) names a certificate. */
static int
is_hash_name(const char *name)
{
	int i;

	for (i = 0; i < 8; i++) {
		if (!isxdigit((unsigned char)name[i]))
			return 0;
	}
	if (name[i++] != '.' || name[i] == '\0')
		return 0;
	while (isdigit((unsigned char)name[i]))
		i++;
	return name[i] == '\0';
}

/*
 * Add the certificates of a folder in hash format.  Dangling links and files
 * that we may not read are passed over, as OpenSSL does.
 */
static int
add_folder(struct certs *c, const char *path)
{
	struct dirent *e;
	DIR *dir;
	int error = 0;

	if ((dir = opendir(path)) == NULL)
		return -1;
	while (error == 0 && (e = readdir(dir)) != NULL) {
		if (!is_hash_name(e->d_name))
			continue;
		if (add_file(c, dirfd(dir), e->d_name) == -1 &&
		    errno != ENOENT && errno != EACCES && errno != EINVAL)
			error = errno;
	}
	(void)closedir(dir);
	errno = error;
	return error == 0 ? 0 : -1;
}

/* Add folders separated by colons; *failed names the one that failed. */
static int
add_folders(struct certs *c, const char *paths, char *failed, size_t size)
{
	const char *p, *end;

	for (p = paths; *p != '\0'; p = *end == ':' ? end + 1 : end) {
		end = p + strcspn(p, ":");
		if (end == p)
			continue;
		if ((size_t)(end - p) >= size) {
			(void)strlcpy(failed, p, size);
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(failed, p, end - p);
		failed[end - p] = '\0';
		if (add_folder(c, failed) == -1)
			return -1;
	}
	return 0;
}

static int
has_certificate(const struct certs *c)
{
	return c->len > 0 && memmem(c->pem, c->len, pem_begin,
	    sizeof(pem_begin) - 1) != NULL;
}

/* The locations the user named. */
static int
load_named(struct certs *c, const char *file, const char *paths,
    char *errbuf, size_t size)
{
	char failed[PATH_MAX];

	if (file[0] != '\0' && add_file(c, AT_FDCWD, file) == -1) {
		(void)snprintf(errbuf, size, "SSL_CAfile %s: %s", file,
		    strerror(errno));
		return -1;
	}
	if (add_folders(c, paths, failed, sizeof(failed)) == -1) {
		(void)snprintf(errbuf, size, "SSL_CApath %s: %s", failed,
		    strerror(errno));
		return -1;
	}
	if (!has_certificate(c)) {
		(void)snprintf(errbuf, size, "%s%s%s holds no certificate%s",
		    file, file[0] != '\0' && paths[0] != '\0' ? " or " : "",
		    paths, paths[0] == '\0' ? "" :
		    " in hash format (see openssl-rehash(1))");
		return -1;
	}
	return 0;
}

/* Where this system keeps them; what is missing there is no error. */
static int
load_default(struct certs *c, const char *deffile, char *errbuf, size_t size)
{
	char failed[PATH_MAX], defpath[PATH_MAX];
	const char *file, *paths, *slash;

	if ((file = secure_getenv("SSL_CERT_FILE")) == NULL)
		file = deffile;
	if ((paths = secure_getenv("SSL_CERT_DIR")) == NULL) {
		slash = strrchr(deffile, '/');
		(void)snprintf(defpath, sizeof(defpath), "%.*s/certs",
		    slash == NULL ? 0 : (int)(slash - deffile), deffile);
		paths = defpath;
	}
	if ((add_file(c, AT_FDCWD, file) == -1 && errno == ENOMEM) ||
	    (add_folders(c, paths, failed, sizeof(failed)) == -1 &&
	    errno == ENOMEM)) {
		(void)snprintf(errbuf, size, "certificates: %s",
		    strerror(errno));
		return -1;
	}
	if (!has_certificate(c)) {
		(void)snprintf(errbuf, size, "no certificate of an authority "
		    "in %s or %s; install ca-certificates or set SSL_CAfile",
		    file, paths);
		return -1;
	}
	return 0;
}

int
certs_load(struct certs *c, const char *file, const char *paths,
    const char *deffile, char *errbuf, size_t size)
{
	c->pem = NULL;
	c->len = 0;
	if (file[0] != '\0' || paths[0] != '\0')
		return load_named(c, file, paths, errbuf, size);
	return load_default(c, deffile, errbuf, size);
}

int
certs_identity(struct certs *cert, struct certs *key, const char *certfile,
    const char *keyfile, char *errbuf, size_t size)
{
	const char	*name = keyfile[0] == '\0' ? certfile : keyfile;

	memset(cert, 0, sizeof(*cert));
	memset(key, 0, sizeof(*key));
	if (add_file(cert, AT_FDCWD, certfile) == -1)
		(void)snprintf(errbuf, size, "SSL_cert %s: %s", certfile,
		    strerror(errno));
	else if (add_file(key, AT_FDCWD, name) == -1)
		(void)snprintf(errbuf, size, "SSL_key %s: %s", name,
		    strerror(errno));
	else if (memmem(cert->pem, cert->len, " CERTIFICATE-----", 17) == NULL)
		(void)snprintf(errbuf, size, "SSL_cert %s holds no "
		    "certificate", certfile);
	else if (memmem(key->pem, key->len, " PRIVATE KEY-----", 17) == NULL)
		(void)snprintf(errbuf, size, "SSL_key %s holds no private "
		    "key%s", name, keyfile[0] == '\0' ? "; name its file with "
		    "SSL_key" : "");
	else
		return 0;
	return -1;
}
