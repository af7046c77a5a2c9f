/*
 * SipHash-2-4-128, after its authors' reference implementation (CC0).
 */
#include <stdint.h>

#include "text/siphash.h"

struct state {
	uint64_t	v0, v1, v2, v3;
};

static uint64_t
rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

/* Reads up to eight bytes as a little-endian number. */
static uint64_t
siphash_load(const unsigned char *p, size_t len)
{
	uint64_t	n = 0;

	while (len-- > 0)
		n = n << 8 | p[len];
	return n;
}

static void
store(unsigned char *p, uint64_t n)
{
	int	i;

	for (i = 0; i < 8; i++)
		p[i] = (unsigned char)(n >> 8 * i);
}

static void
rounds(struct state *s, int count)
{
	while (count-- > 0) {
		s->v0 += s->v1;
		s->v1 = rotate(s->v1, 13) ^ s->v0;
		s->v0 = rotate(s->v0, 32);
		s->v2 += s->v3;
		s->v3 = rotate(s->v3, 16) ^ s->v2;
		s->v0 += s->v3;
		s->v3 = rotate(s->v3, 21) ^ s->v0;
		s->v2 += s->v1;
		s->v1 = rotate(s->v1, 17) ^ s->v2;
		s->v2 = rotate(s->v2, 32);
	}
}

static void
siphash_take(struct state *s, uint64_t word)
{
	s->v3 ^= word;
	rounds(s, 2);
	s->v0 ^= word;
}

static uint64_t
siphash_finish(struct state *s)
{
	rounds(s, 4);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

void
siphash_128(const unsigned char key[SIPHASH_KEY], const void *data, size_t len,
    unsigned char out[SIPHASH_128])
{
	const unsigned char	*p = data;
	const uint64_t		 k0 = siphash_load(key, 8);
	const uint64_t		 k1 = siphash_load(key + 8, 8);
	struct state		 s = {
		k0 ^ UINT64_C(0x736f6d6570736575),
		k1 ^ UINT64_C(0x646f72616e646f6d) ^ 0xee,
		k0 ^ UINT64_C(0x6c7967656e657261),
		k1 ^ UINT64_C(0x7465646279746573),
	};
	size_t			 left;

	for (left = len; left >= 8; left -= 8, p += 8)
		siphash_take(&s, siphash_load(p, 8));
	siphash_take(&s, siphash_load(p, left) | (uint64_t)len << 56);
	s.v2 ^= 0xee;
	store(out, siphash_finish(&s));
	s.v1 ^= 0xdd;
	store(out + 8, siphash_finish(&s));
}
