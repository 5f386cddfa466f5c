/* What a record that the generator writes says of itself, at the start of its payload:
 *
 *   u32 partition   u32 sequence in the partition   f64 when it was due, of the generator's clock
 */
export const STAMP_BYTES = 16;

export function writeStamp(
  payload: Buffer,
  partition: number,
  sequence: number,
  dueAtMs: number,
): void {
  payload.writeUInt32LE(partition, 0);
  payload.writeUInt32LE(sequence, 4);
  payload.writeDoubleLE(dueAtMs, 8);
}

export function stampedPartition(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at);
}

export function stampedSequence(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at + 4);
}

export function stampedDueAtMs(bytes: Buffer, at: number): number {
  return bytes.readDoubleLE(at + 8);
}
