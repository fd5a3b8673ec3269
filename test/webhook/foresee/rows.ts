/** What is foreseen for each of these pods, a real API server says too (test/cluster/foresee.test.ts). */
import { LIMIT_ROWS } from './limit-rows.ts';
import { QUOTA_ROWS } from './quota-rows.ts';
import type { Row } from './row.ts';
import { SECURITY_ROWS } from './security-rows.ts';

export const ROWS: readonly Row[] = [...LIMIT_ROWS, ...QUOTA_ROWS, ...SECURITY_ROWS];
