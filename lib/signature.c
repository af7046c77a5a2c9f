/*
 * Signatures by libcrypto; the module signature.so.
 */
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "signature.h"

enum {
	SECRET_MIN = 32,	/* bytes: RFC 7518 3.2 */
	RSA_MIN = 2048,		/* bits: RFC 7518 3.3 */
	HALF = 32		/* bytes of r and of s: RFC 7518 3.4 */
};

static bool
is_pem(const char *key, size_t len)
{
	static const char	begin[] = "-----BEGIN ";

	return len >= sizeof(begin) - 1 &&
	    memcmp(key, begin, sizeof(begin) - 1) == 0;
}

/* A secret ends before the line feed that an editor put behind it. */
static size_t
secret_len(const char *key, size_t len)
{
	while (len > 0 && (key[len - 1] == '\n' || key[len - 1] == '\r'))
		len--;
	return len;
}

/* Reads a key in PEM; NULL if it is none. */
static EVP_PKEY *
read_key(const char *key, size_t len, bool private)
{
	EVP_PKEY	*k = NULL;
	BIO		*b;

	if (len > INT_MAX || (b = BIO_new_mem_buf(key, (int)len)) == NULL)
		return NULL;
	k = private ? PEM_read_bio_PrivateKey(b, NULL, NULL, NULL) :
	    PEM_read_bio_PUBKEY(b, NULL, NULL, NULL);
	(void)BIO_free(b);
	return k;
}

/* The algorithm of a key in PEM; NULL: none of ours. */
static const char *
pem_algorithm(const EVP_PKEY *k)
{
	char	group[64];
	size_t	len;

	if (EVP_PKEY_get_base_id(k) == EVP_PKEY_RSA)
		return EVP_PKEY_get_bits(k) >= RSA_MIN ? "RS256" : NULL;
	if (EVP_PKEY_get_base_id(k) == EVP_PKEY_EC &&
	    EVP_PKEY_get_group_name(k, group, sizeof(group), &len) == 1 &&
	    strcmp(group, "prime256v1") == 0)
		return "ES256";
	return NULL;
}

static const char *
algorithm(const char *key, size_t len, char *error, size_t size)
{
	const char	*name;
	EVP_PKEY	*k;

	if (!is_pem(key, len)) {
		if (secret_len(key, len) >= SECRET_MIN)
			return "HS256";
		(void)snprintf(error, size, "a secret shorter than %d bytes",
		    SECRET_MIN);
		return NULL;
	}
	if ((k = read_key(key, len, false)) == NULL) {
		(void)snprintf(error, size, "not a public key in PEM");
		return NULL;
	}
	if ((name = pem_algorithm(k)) == NULL)
		(void)snprintf(error, size,
		    "neither RSA from %d bits on nor EC on P-256", RSA_MIN);
	EVP_PKEY_free(k);
	return name;
}

static bool
verify_secret(const char *key, size_t key_len, const char *text, size_t len,
    const unsigned char *mark, size_t mark_len)
{
	unsigned char	own[EVP_MAX_MD_SIZE];
	unsigned	own_len = 0;

	key_len = secret_len(key, key_len);
	if (key_len < SECRET_MIN || key_len > INT_MAX ||
	    HMAC(EVP_sha256(), key, (int)key_len,
	    (const unsigned char *)text, len, own, &own_len) == NULL)
		return false;
	return own_len == mark_len && CRYPTO_memcmp(own, mark, own_len) == 0;
}

/* r and s, 32 bytes each, as the DER that libcrypto wants; its length or 0. */
static size_t
to_der(const unsigned char *mark, size_t mark_len, unsigned char *der,
    size_t size)
{
	ECDSA_SIG	*sig;
	BIGNUM		*r, *s;
	int		 len = 0;

	if (mark_len != 2 * HALF || (sig = ECDSA_SIG_new()) == NULL)
		return 0;
	r = BN_bin2bn(mark, HALF, NULL);
	s = BN_bin2bn(mark + HALF, HALF, NULL);
	if (r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1) {
		if ((len = i2d_ECDSA_SIG(sig, NULL)) > 0 &&
		    (size_t)len <= size)
			len = i2d_ECDSA_SIG(sig, &der);
		else
			len = 0;
	} else {
		BN_free(r);
		BN_free(s);
	}
	ECDSA_SIG_free(sig);
	return len > 0 ? (size_t)len : 0;
}

static bool
verify(const char *key, size_t key_len, const char *text, size_t len,
    const unsigned char *mark, size_t mark_len)
{
	const char	*name;
	unsigned char	 der[2 * HALF + 16];
	EVP_MD_CTX	*c;
	EVP_PKEY	*k;
	bool		 good = false;

	if (!is_pem(key, key_len))
		return verify_secret(key, key_len, text, len, mark, mark_len);
	if ((k = read_key(key, key_len, false)) == NULL)
		return false;
	if ((name = pem_algorithm(k)) != NULL && strcmp(name, "ES256") == 0) {
		mark_len = to_der(mark, mark_len, der, sizeof(der));
		mark = der;
	}
	if (name != NULL && mark_len > 0 && (c = EVP_MD_CTX_new()) != NULL) {
		/* For RSA the default padding is PKCS #1 v1.5: RS256. */
		good = EVP_DigestVerifyInit(c, NULL, EVP_sha256(), NULL,
		    k) == 1 && EVP_DigestVerify(c, mark, mark_len,
		    (const unsigned char *)text, len) == 1;
		EVP_MD_CTX_free(c);
	}
	EVP_PKEY_free(k);
	return good;
}

/* DER as r and s; returns 64, or 0. */
static size_t
from_der(unsigned char *mark, size_t len)
{
	const unsigned char	*p = mark;
	ECDSA_SIG		*sig;
	size_t			 done = 0;

	if ((sig = d2i_ECDSA_SIG(NULL, &p, (long)len)) == NULL)
		return 0;
	if (BN_bn2binpad(ECDSA_SIG_get0_r(sig), mark, HALF) == HALF &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), mark + HALF, HALF) == HALF)
		done = 2 * HALF;
	ECDSA_SIG_free(sig);
	return done;
}

static size_t
sign(const char *key, size_t key_len, const char *text, size_t len,
    unsigned char *mark, size_t size, const char **name)
{
	EVP_MD_CTX	*c;
	EVP_PKEY	*k;
	unsigned	 mac_len = 0;

	*name = "HS256";
	if (!is_pem(key, key_len)) {
		key_len = secret_len(key, key_len);
		if (key_len < SECRET_MIN || size < EVP_MAX_MD_SIZE ||
		    HMAC(EVP_sha256(), key, (int)key_len,
		    (const unsigned char *)text, len, mark,
		    &mac_len) == NULL)
			return 0;
		return mac_len;
	}
	if ((k = read_key(key, key_len, true)) == NULL)
		return 0;
	if ((*name = pem_algorithm(k)) == NULL ||
	    (c = EVP_MD_CTX_new()) == NULL) {
		EVP_PKEY_free(k);
		return 0;
	}
	if (EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, k) != 1 ||
	    EVP_DigestSign(c, mark, &size, (const unsigned char *)text,
	    len) != 1)
		size = 0;
	else if (strcmp(*name, "ES256") == 0)
		size = from_der(mark, size);
	EVP_MD_CTX_free(c);
	EVP_PKEY_free(k);
	return size;
}

const void *
signature_module(void)
{
	static const struct signature	module = { algorithm, verify, sign };

	return &module;
}
