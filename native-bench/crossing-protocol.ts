/* What crossing.ts and its worker share. */
import type { BellKind, BellParts } from './bell.js';

/** `transfer`: batches whose ArrayBuffers move to the worker and back; else a shared ring. */
export type Way = 'transfer' | BellKind;
export const WAYS: readonly Way[] = ['transfer', 'eventfd', 'postMessage', 'waitAsync'];

/** main <-> worker: the buffer belongs to whoever received it. */
export interface TransferredBatch {
  readonly batch: ArrayBuffer;
  readonly messages: number;
  readonly bytes: number;
  /** worker -> main: of what it has read. */
  readonly sum: number;
}

export interface CrossingData {
  readonly way: Way;
  readonly frames: SharedArrayBuffer;
  readonly answers: SharedArrayBuffer;
  readonly there: BellParts;
  readonly back: BellParts;
}

/** Messages that the worker has read; whether main waits to hear; a cache line each. */
export const ANSWER_COUNT_WORD = 0;
export const ANSWER_SUM_WORD = 1;
export const ANSWER_WAITING_WORD = 16;
export const ANSWER_WORDS = 32;
