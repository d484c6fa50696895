// SPDX-License-Identifier: GPL-2.0-only
/*
 * The clock shows the host's time in UTC, in the format that the guest chose in register B (BCD or
 * binary, 12 or 24 hours). The time cannot be set: what is written to a time register is dropped,
 * as the host's clock is right. There is no alarm and no periodic interrupt. The rest of the 128
 * bytes is memory.
 */
#include "dev_rtc.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

/* Registers of the MC146818; the century is where the FADT says. */
enum {
	RTC_SECONDS = 0, RTC_MINUTES = 2, RTC_HOURS = 4, RTC_DAY_OF_WEEK = 6, RTC_DAY_OF_MONTH = 7,
	RTC_MONTH = 8, RTC_YEAR = 9, RTC_A = 10, RTC_B = 11, RTC_C = 12, RTC_D = 13,
	RTC_CENTURY = 0x32,
};

#define A_UPDATING	0x80
#define A_AS_FIRMWARE	0x26	/* 32768 Hz crystal, 1024 Hz periodic rate */
#define B_24_HOURS	0x02
#define B_BINARY	0x04
#define D_VALID		0x80

#define INDEX_MASK	0x7f	/* bit 7 masks NMIs: nothing raises one here */
#define PM		0x80	/* in the hours, of the 12-hour format */

static uint8_t format(const struct rtc *rtc, unsigned int value)
{
	if (rtc->cmos[RTC_B] & B_BINARY)
		return value;
	return value / 10 << 4 | value % 10;
}

static uint8_t hours(const struct rtc *rtc, unsigned int hour)
{
	if (rtc->cmos[RTC_B] & B_24_HOURS)
		return format(rtc, hour);
	return format(rtc, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? PM : 0);
}

static bool is_time(uint8_t index)
{
	return index == RTC_SECONDS || index == RTC_MINUTES || index == RTC_HOURS ||
	       (index >= RTC_DAY_OF_WEEK && index <= RTC_YEAR) || index == RTC_CENTURY;
}

static uint8_t read_time(const struct rtc *rtc)
{
	time_t now = rtc->host->now(rtc->host->ctx);
	struct tm tm;

	gmtime_r(&now, &tm);
	switch (rtc->index) {
	case RTC_SECONDS:
		/* A leap second would be 60; the host's clock never shows it. */
		return format(rtc, tm.tm_sec);
	case RTC_MINUTES:
		return format(rtc, tm.tm_min);
	case RTC_HOURS:
		return hours(rtc, tm.tm_hour);
	case RTC_DAY_OF_WEEK:
		return format(rtc, tm.tm_wday + 1);
	case RTC_DAY_OF_MONTH:
		return format(rtc, tm.tm_mday);
	case RTC_MONTH:
		return format(rtc, tm.tm_mon + 1);
	case RTC_YEAR:
		return format(rtc, tm.tm_year % 100);
	default:
		return format(rtc, (tm.tm_year + 1900) / 100);
	}
}

void rtc_init(struct rtc *rtc, const struct device_host *host)
{
	memset(rtc, 0, sizeof(*rtc));
	rtc->host = host;
	rtc->cmos[RTC_A] = A_AS_FIRMWARE;
	rtc->cmos[RTC_B] = B_24_HOURS;
	rtc->cmos[RTC_D] = D_VALID;
}

uint32_t rtc_read(void *dev, uint16_t offset, unsigned int size)
{
	struct rtc *rtc = dev;

	(void)size;
	if (offset == 0)
		return 0xff;	/* the index is write-only */
	if (is_time(rtc->index))
		return read_time(rtc);
	return rtc->cmos[rtc->index];
}

void rtc_write(void *dev, uint16_t offset, unsigned int size, uint32_t value)
{
	struct rtc *rtc = dev;

	(void)size;
	if (offset == 0)
		rtc->index = value & INDEX_MASK;
	else if (rtc->index == RTC_A)
		rtc->cmos[RTC_A] = value & ~A_UPDATING;
	else if (rtc->index != RTC_C && rtc->index != RTC_D && !is_time(rtc->index))
		rtc->cmos[rtc->index] = value;
}
