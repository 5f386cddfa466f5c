/* Doorbells wake the event loop of another thread; src/native/doorbell.h says why main owns them. */
import { loadAddon } from './addon-file.js';

interface DoorbellAddon {
  openDoorbell(): number;
  closeDoorbell(fd: number): void;
  ringDoorbell(fd: number): void;
  readonly Doorbell: new (fd: number, callback: () => void) => { close(): void };
}

const addon = loadAddon() as DoorbellAddon;

/** Opens a doorbell and returns its file descriptor; throws when the process has no more. */
export const openDoorbell: () => number = addon.openDoorbell;
/** Only after every thread that rings or hears it has ended. */
export const closeDoorbell: (fd: number) => void = addon.closeDoorbell;
export const ringDoorbell: (fd: number) => void = addon.ringDoorbell;

/** Calls `onRing` on this thread, once for any number of rings; the result stops it. */
export function listenToDoorbell(fd: number, onRing: () => void): () => void {
  const doorbell = new addon.Doorbell(fd, onRing);
  return () => doorbell.close();
}
