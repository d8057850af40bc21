/** Types of columns that several tables have. */
import { bigint, customType, timestamp } from 'drizzle-orm/pg-core';

export const bytea = customType<{ data: Uint8Array; driverData: Uint8Array }>({ dataType: () => 'bytea' });

export const moment = (name: string) => timestamp(name, { withTimezone: true });

/** A number that only grows, such as a catalog version or a count. */
export const version = (name: string) => bigint(name, { mode: 'number' });
