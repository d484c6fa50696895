/* SPDX-License-Identifier: GPL-2.0-only */
/* The MC146818 clock with its CMOS memory; see dev_rtc.c. */
#ifndef LINTEL_DEV_RTC_H
#define LINTEL_DEV_RTC_H

#include "device.h"

#define RTC_BASE	0x70
#define RTC_PORTS	2
#define RTC_CMOS_SIZE	128

struct rtc {
	const struct device_host *host;
	uint8_t index;
	uint8_t cmos[RTC_CMOS_SIZE];
};

void rtc_init(struct rtc *rtc, const struct device_host *host);
uint32_t rtc_read(void *dev, uint16_t offset, unsigned int size);
void rtc_write(void *dev, uint16_t offset, unsigned int size, uint32_t value);

#endif
