/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest memory. RAM is one anonymous mapping; the guest sees it in at most two pieces, below and
 * above the gap that devices have under 4 GiB. Guest memory is reached through memory_at() alone,
 * which gives a pointer only when every byte asked for is RAM.
 */
#ifndef LINTEL_MEMORY_H
#define LINTEL_MEMORY_H

#include <stddef.h>
#include <stdint.h>

typedef uint64_t gpa_t;

#define MEMORY_MIB		(1ULL << 20)
#define MEMORY_GIB		(1ULL << 30)
#define MEMORY_MIN		(16 * MEMORY_MIB)
#define MEMORY_MAX		(1024 * MEMORY_GIB)
/* RAM below 4 GiB ends here at the latest; from here to 4 GiB is for devices. */
#define MEMORY_LOW_MAX		(3 * MEMORY_GIB)
#define MEMORY_HIGH_START	(4 * MEMORY_GIB)
#define MEMORY_PIECES		2
/* The mapping's address is a multiple of it: the size of the huge pages that most hosts have. */
#define MEMORY_ALIGN		(2 * MEMORY_MIB)

struct memory_piece {
	gpa_t start;
	uint64_t size;
	uint64_t offset;	/* of its first byte in the mapping */
};

struct memory {
	uint8_t *base;
	uint64_t size;
	unsigned int count;
	struct memory_piece piece[MEMORY_PIECES];
};

/* Cuts @size bytes into pieces; maps nothing. */
void memory_layout(struct memory *mem, uint64_t size);

/*
 * Maps @size bytes of RAM. Refuses a size out of bounds or more than @host_total, which it names.
 */
int memory_create(struct memory *mem, uint64_t size, uint64_t host_total);
void memory_destroy(struct memory *mem);

/* The host's whole RAM in bytes. */
uint64_t memory_host_total(void);

/* The bytes [@gpa, @gpa + @len) of RAM; NULL if any of them is not RAM. */
void *memory_at(const struct memory *mem, gpa_t gpa, uint64_t len);

/* First address after the RAM below 4 GiB. */
gpa_t memory_low_end(const struct memory *mem);

/* Copies into RAM; -EFAULT with a sentence that names @what if it does not fit. */
int memory_write(const struct memory *mem, gpa_t gpa, const void *data, uint64_t len,
		 const char *what);

#endif
