import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/**
 * What a file holds, without white space around it; undefined where that is more than `bytesMax`. Does not
 * wait for the writer of a pipe. Rejects with the error of the system.
 *
 * @param flags more than O_RDONLY, such as O_NOFOLLOW
 */
export async function readSmallFile(
  path: string,
  bytesMax: number,
  flags = 0,
): Promise<string | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | flags);
  try {
    const bytes = Buffer.alloc(bytesMax + 1);
    const { bytesRead } = await file.read(bytes, 0, bytes.byteLength, 0);
    return bytesRead > bytesMax ? undefined : bytes.toString('utf8', 0, bytesRead).trim();
  } finally {
    await file.close();
  }
}
