/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which absent pages of a vCPU are on their way, and what the guest has to hear of them.
 *
 * An entry is busy from the start of its fetch until the fetch is over and the guest, if a token
 * was given to it, has been told that the page is there.  The guest has one word for tokens, so
 * they go one by one, each when the word is free again; APF_WAKE_ALL goes before all others and
 * stands for those too.  Whether a fetch is over is told by its worker, in a bitmap that every
 * function here is given; everything else belongs to the vCPU's thread.
 *
 * Pure functions, also built in userspace, where test/ checks them.
 */
#ifndef LINTEL_PARAVIRT_APF_BOOK_H
#define LINTEL_PARAVIRT_APF_BOOK_H

#ifdef __KERNEL__
#include <linux/bitops.h>
#include <linux/types.h>
#else
#include <stdbool.h>
#include <stdint.h>
typedef uint64_t u64;
typedef uint32_t u32;
#define BIT_ULL(n)	(1ULL << (n))
#define __ffs64(x)	((unsigned int)__builtin_ctzll(x))
#endif

#define APF_MAX		64		/* fetches of one vCPU at a time: KVM's number */
#define APF_WAKE_ALL	(~0U)
#define APF_NO_GFN	(~0ULL)
#define APF_ID_BITS	12		/* of a token: the vCPU; the others number its fetches */

struct apf_book {
	u64 busy;			/* entries in use */
	u64 told;			/* of those: the guest has the token and waits for it */
	u64 failed_gfn;			/* its last fetch failed */
	u32 number;			/* in the last token */
	unsigned int turn;		/* where to look for the next token to tell */
	bool wake_all;			/* the guest has to hear APF_WAKE_ALL */
	struct {
		u64 gfn;
		u32 token;
	} page[APF_MAX];
};

static inline void apf_init(struct apf_book *book)
{
	*book = (struct apf_book){ .failed_gfn = APF_NO_GFN };
}

/* apf_find - the fetch of @gfn that is under way, or -1. */
static inline int apf_find(const struct apf_book *book, u64 gfn, u64 done)
{
	u64 left = book->busy & ~done;

	for (; left; left &= left - 1)
		if (book->page[__ffs64(left)].gfn == gfn)
			return __ffs64(left);
	return -1;
}

static inline bool apf_token_used(const struct apf_book *book, u32 token)
{
	u64 left = book->busy;

	for (; left; left &= left - 1)
		if (book->page[__ffs64(left)].token == token)
			return true;
	return false;
}

/* Not 0, which says that the word is free, not APF_WAKE_ALL, and none that is in use. */
static inline u32 apf_new_token(struct apf_book *book, u32 vcpu_id)
{
	u32 id = vcpu_id & ((1U << APF_ID_BITS) - 1), token;

	do {
		book->number = (book->number + 1) & (~0U >> APF_ID_BITS);
		token = book->number << APF_ID_BITS | id;
	} while (!book->number || token == APF_WAKE_ALL || apf_token_used(book, token));
	return token;
}

/*
 * apf_start - an entry for the fetch of @gfn, or -1: there is none, or the last fetch of this page
 * failed, and who asks again wants to learn why.
 */
static inline int apf_start(struct apf_book *book, u64 gfn, u32 vcpu_id)
{
	int i;

	if (gfn == book->failed_gfn) {
		book->failed_gfn = APF_NO_GFN;
		return -1;
	}
	if (!~book->busy)
		return -1;
	i = __ffs64(~book->busy);
	book->page[i].gfn = gfn;
	book->page[i].token = apf_new_token(book, vcpu_id);
	book->busy |= BIT_ULL(i);
	return i;
}

/* apf_note_told - the guest has got the token of entry @i. */
static inline void apf_note_told(struct apf_book *book, int i)
{
	book->told |= BIT_ULL(i);
}

/* apf_settle - fetches that are over, of which the guest knows nothing, are forgotten. */
static inline void apf_settle(struct apf_book *book, u64 done, u64 failed)
{
	u64 left = book->busy & done & failed;

	for (; left; left &= left - 1)
		book->failed_gfn = book->page[__ffs64(left)].gfn;
	book->busy &= ~done | book->told;
}

/* apf_has_news - apf_next() would give a token. */
static inline bool apf_has_news(const struct apf_book *book, u64 done)
{
	return book->wake_all || (book->told & done);
}

/* apf_next - the token that the guest is to hear now; apf_has_news() said that there is one. */
static inline u32 apf_next(struct apf_book *book, u64 done)
{
	u64 ready = book->told & done, later = ready & ~(BIT_ULL(book->turn) - 1);
	int i;

	if (book->wake_all) {
		book->wake_all = false;
		book->told = 0;
		return APF_WAKE_ALL;
	}
	i = __ffs64(later ? later : ready);
	book->turn = (i + 1) % APF_MAX;
	book->told &= ~BIT_ULL(i);
	book->busy &= ~BIT_ULL(i);
	return book->page[i].token;
}

/* apf_forget - the guest waits for nothing any more: it was reset, or wants to hear no more. */
static inline void apf_forget(struct apf_book *book)
{
	u64 left = book->busy;

	for (; left; left &= left - 1)
		book->page[__ffs64(left)].gfn = APF_NO_GFN;
	book->told = 0;
	book->wake_all = false;
	book->failed_gfn = APF_NO_GFN;
}

/* apf_enable - what it waits for may be the tokens of another host, where it was before. */
static inline void apf_enable(struct apf_book *book)
{
	book->told = 0;
	book->wake_all = true;
}

#endif
