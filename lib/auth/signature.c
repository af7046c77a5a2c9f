/*
 * Keys and signatures by libcrypto; the module signature.so.
 */
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "auth/signature.h"

enum {
	SECRET_MIN = 32,	/* bytes: RFC 7518 3.2 */
	RSA_MIN = 2048,		/* bits: RFC 7518 3.3 */
	RSA_MAX = 16384,	/* bits: libcrypto checks nothing larger */
	HALF = 32		/* bytes of r and of s: RFC 7518 3.4 */
};

/* A public key, a private one (to sign), or a secret. */
struct key {
	struct signature_key	 told;	/* first: the part that callers see */
	EVP_PKEY		*pkey;	/* NULL: a secret */
	unsigned char		*secret;
	size_t			 secret_len;
};

static const struct key *
signature_inside(const struct signature_key *k)
{
	return (const struct key *)(const void *)k;
}

static void
release(struct signature_key *k)
{
	struct key	*own = (struct key *)(void *)k;

	if (own == NULL)
		return;
	EVP_PKEY_free(own->pkey);
	OPENSSL_clear_free(own->secret, own->secret_len);
	OPENSSL_free(own);
}

static struct signature_key *
secret(const char *text, size_t len, char *error, size_t size)
{
	struct key	*k;

	/* The line feed that an editor adds does not belong to the secret. */
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	if (len < SECRET_MIN || len > INT_MAX) {
		(void)snprintf(error, size, "a secret shorter than %d bytes",
		    SECRET_MIN);
		return NULL;
	}
	k = OPENSSL_zalloc(sizeof(*k));
	if (k == NULL || (k->secret = OPENSSL_memdup(text, len)) == NULL) {
		OPENSSL_free(k);
		(void)snprintf(error, size, "out of memory");
		return NULL;
	}
	k->secret_len = len;
	k->told.algorithm = "HS256";
	k->told.kind = "secret";
	k->told.bits = len * 8;
	return &k->told;
}

/*
 * Whether an RSA key is large enough, and its exponent greater than 1: with 1
 * everybody could sign.
 */
static bool
good_rsa(const EVP_PKEY *k)
{
	BIGNUM	*e = NULL;
	bool	 good;

	good = EVP_PKEY_get_bits(k) >= RSA_MIN &&
	    EVP_PKEY_get_bits(k) <= RSA_MAX &&
	    EVP_PKEY_get_bn_param(k, OSSL_PKEY_PARAM_RSA_E, &e) == 1 &&
	    BN_is_odd(e) && !BN_is_one(e);
	BN_free(e);
	return good;
}

static bool
good_ec(const EVP_PKEY *k)
{
	char	group[64];
	size_t	len;

	return EVP_PKEY_get_group_name(k, group, sizeof(group), &len) == 1 &&
	    strcmp(group, "prime256v1") == 0;
}

/*
 * Makes a key, which then owns `pkey'; NULL if it is of no kind that is
 * allowed.
 */
static struct signature_key *
wrap(EVP_PKEY *pkey, char *error, size_t size)
{
	const int	 type = EVP_PKEY_get_base_id(pkey);
	struct key	*k;

	if (!(type == EVP_PKEY_RSA && good_rsa(pkey)) &&
	    !(type == EVP_PKEY_EC && good_ec(pkey))) {
		(void)snprintf(error, size, "this key is neither RSA with at "
		    "least %d bits nor EC on P-256", RSA_MIN);
		EVP_PKEY_free(pkey);
		return NULL;
	}
	if ((k = OPENSSL_zalloc(sizeof(*k))) == NULL) {
		(void)snprintf(error, size, "out of memory");
		EVP_PKEY_free(pkey);
		return NULL;
	}
	k->pkey = pkey;
	k->told.algorithm = type == EVP_PKEY_RSA ? "RS256" : "ES256";
	k->told.kind = type == EVP_PKEY_RSA ? "RSA" : "EC P-256";
	k->told.bits = (size_t)EVP_PKEY_get_bits(pkey);
	return &k->told;
}

/* Gives no password for an encrypted key. */
static int
no_password(char *out, int size, int writing, void *data)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)data;
	return -1;
}

static struct signature_key *
from_pem(const char *text, size_t len, bool private, char *error, size_t size)
{
	EVP_PKEY	*k;
	BIO		*b;

	if (len > INT_MAX || (b = BIO_new_mem_buf(text, (int)len)) == NULL) {
		(void)snprintf(error, size, "out of memory");
		return NULL;
	}
	k = private ? PEM_read_bio_PrivateKey(b, NULL, no_password, NULL) :
	    PEM_read_bio_PUBKEY(b, NULL, no_password, NULL);
	(void)BIO_free(b);
	if (k == NULL) {
		(void)snprintf(error, size, "this is not a %s key in PEM",
		    private ? "private" : "public");
		return NULL;
	}
	return wrap(k, error, size);
}

static struct signature_key *
public_pem(const char *text, size_t len, char *error, size_t size)
{
	return from_pem(text, len, false, error, size);
}

static struct signature_key *
private_pem(const char *text, size_t len, char *error, size_t size)
{
	return from_pem(text, len, true, error, size);
}

/* Makes a public key from parameters, and frees these. */
static struct signature_key *
from_params(const char *type, OSSL_PARAM *params, char *error, size_t size)
{
	EVP_PKEY_CTX	*c = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY	*k = NULL;

	if (c == NULL || params == NULL || EVP_PKEY_fromdata_init(c) != 1 ||
	    EVP_PKEY_fromdata(c, &k, EVP_PKEY_PUBLIC_KEY, params) != 1)
		k = NULL;
	EVP_PKEY_CTX_free(c);
	OSSL_PARAM_free(params);
	if (k == NULL) {
		(void)snprintf(error, size, "its numbers are not a public key");
		return NULL;
	}
	return wrap(k, error, size);
}

static struct signature_key *
rsa(const unsigned char *n, size_t n_len, const unsigned char *e, size_t e_len,
    char *error, size_t size)
{
	OSSL_PARAM_BLD	*b = OSSL_PARAM_BLD_new();
	OSSL_PARAM	*params = NULL;
	BIGNUM		*modulus = NULL, *exponent = NULL;

	if (b != NULL && n_len <= RSA_MAX / 8 && e_len <= RSA_MAX / 8) {
		modulus = BN_bin2bn(n, (int)n_len, NULL);
		exponent = BN_bin2bn(e, (int)e_len, NULL);
	}
	if (modulus != NULL && exponent != NULL &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
	    OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
		params = OSSL_PARAM_BLD_to_param(b);
	OSSL_PARAM_BLD_free(b);
	BN_free(modulus);
	BN_free(exponent);
	return from_params("RSA", params, error, size);
}

static struct signature_key *
ec(const unsigned char x[HALF], const unsigned char y[HALF], char *error,
    size_t size)
{
	OSSL_PARAM_BLD	*b = OSSL_PARAM_BLD_new();
	OSSL_PARAM	*params = NULL;
	unsigned char	 point[1 + 2 * HALF];

	point[0] = POINT_CONVERSION_UNCOMPRESSED;
	memcpy(point + 1, x, HALF);
	memcpy(point + 1 + HALF, y, HALF);
	if (b != NULL && OSSL_PARAM_BLD_push_utf8_string(b,
	    OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(b, OSSL_PKEY_PARAM_PUB_KEY, point,
	    sizeof(point)) == 1)
		params = OSSL_PARAM_BLD_to_param(b);
	OSSL_PARAM_BLD_free(b);
	return from_params("EC", params, error, size);
}

static bool
verify_secret(const struct key *k, const char *text, size_t len,
    const unsigned char *mark, size_t mark_len)
{
	unsigned char	own[EVP_MAX_MD_SIZE];
	unsigned	own_len = 0;

	if (HMAC(EVP_sha256(), k->secret, (int)k->secret_len,
	    (const unsigned char *)text, len, own, &own_len) == NULL)
		return false;
	return own_len == mark_len && CRYPTO_memcmp(own, mark, own_len) == 0;
}

/*
 * Converts r and s, 32 bytes each, into the DER that libcrypto expects.
 * Returns its length, or 0.
 */
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
verify(const struct signature_key *key, const char *text, size_t len,
    const unsigned char *mark, size_t mark_len)
{
	const struct key	*k = signature_inside(key);
	unsigned char		 der[2 * HALF + 16];
	EVP_MD_CTX		*c;
	bool			 good = false;

	if (k->pkey == NULL)
		return verify_secret(k, text, len, mark, mark_len);
	if (EVP_PKEY_get_base_id(k->pkey) == EVP_PKEY_EC) {
		mark_len = to_der(mark, mark_len, der, sizeof(der));
		mark = der;
	}
	if (mark_len > 0 && (c = EVP_MD_CTX_new()) != NULL) {
		/* For RSA the default padding is PKCS #1 v1.5: RS256. */
		good = EVP_DigestVerifyInit(c, NULL, EVP_sha256(), NULL,
		    k->pkey) == 1 && EVP_DigestVerify(c, mark, mark_len,
		    (const unsigned char *)text, len) == 1;
		EVP_MD_CTX_free(c);
	}
	return good;
}

/* Converts DER into r and s.  Returns 64, or 0. */
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
sign(const struct signature_key *key, const char *text, size_t len,
    unsigned char *mark, size_t size)
{
	const struct key	*k = signature_inside(key);
	EVP_MD_CTX		*c;
	unsigned		 mac_len = 0;

	if (k->pkey == NULL)
		return size >= EVP_MAX_MD_SIZE && HMAC(EVP_sha256(), k->secret,
		    (int)k->secret_len, (const unsigned char *)text, len, mark,
		    &mac_len) != NULL ? mac_len : 0;
	if ((c = EVP_MD_CTX_new()) == NULL)
		return 0;
	if (EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, k->pkey) != 1 ||
	    EVP_DigestSign(c, mark, &size, (const unsigned char *)text,
	    len) != 1)
		size = 0;
	else if (EVP_PKEY_get_base_id(k->pkey) == EVP_PKEY_EC)
		size = from_der(mark, size);
	EVP_MD_CTX_free(c);
	return size;
}

static int64_t
certificate_end(const char *text, size_t len, char *error, size_t size)
{
	BIO		*b = len > INT_MAX ? NULL : BIO_new_mem_buf(text,
			    (int)len);
	X509		*x = b == NULL ? NULL : PEM_read_bio_X509(b, NULL, NULL,
			    NULL);
	int64_t		 end = -1;
	struct tm	 tm;

	if (x != NULL && ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm) == 1)
		end = timegm(&tm);
	else
		(void)snprintf(error, size, "it contains no certificate");
	X509_free(x);
	BIO_free(b);
	return end;
}

const void *
signature_module(void)
{
	static const struct signature	module = {
		.secret = secret, .public_pem = public_pem,
		.private_pem = private_pem, .rsa = rsa, .ec = ec,
		.release = release, .verify = verify, .sign = sign,
		.certificate_end = certificate_end
	};

	return &module;
}
