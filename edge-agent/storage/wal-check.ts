/**
 * Looks for damage in a file's write-ahead log. SQLite takes the first frame with a wrong checksum for the end of the
 * log. That is right after a power cut. After a damaged byte in the middle it silently drops every later commit.
 * Format: https://sqlite.org/fileformat2.html#the_write_ahead_log
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

const headerBytes = 32;
const frameHeaderBytes = 24;
const usualPageBytes = 4_096;
const magic = 0x377f0682;
const version = 3_007_000;

export type LogFault = {
  /** The fault. */
  readonly damage: string;
  /** Number of pages in the log that SQLite does not use. */
  readonly frames: number;
};

/**
 * @param path of the log; no process writes to it meanwhile
 * @returns undefined when the log is intact, absent or empty, or when the damage can be a last commit that was cut
 *   short: commits wait for the disk one after the other, so that no commit follows a torn one.
 */
export function faultOfLog(path: string): LogFault | undefined {
  let handle: number;
  try {
    handle = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const size = fstatSync(handle).size;
  try {
    return walk(handle, size);
  } catch (error) {
    return { damage: `the write-ahead log: ${(error as Error).message}`, frames: framesIn(size, usualPageBytes) };
  } finally {
    closeSync(handle);
  }
}

function walk(handle: number, size: number): LogFault | undefined {
  const header = Buffer.alloc(headerBytes);
  if (framesIn(size, 0) < 1) return undefined;
  readSync(handle, header, 0, headerBytes, 0);
  const pageBytes = header.readUInt32BE(8);
  const bigEndian = (header.readUInt32BE(0) & 1) === 1;
  let sum: Sum = add([0, 0], header.subarray(0, 24), bigEndian);
  if (!isHeader(header, pageBytes) || !fits(sum, header, 24)) {
    const frames = framesIn(size, usualPageBytes);
    return frames < 1 ? undefined : { damage: 'the header of the write-ahead log is damaged', frames };
  }
  const frame = Buffer.alloc(frameHeaderBytes + pageBytes);
  const frames = framesIn(size, pageBytes);
  let misfit = false;
  let unused = 0;
  let committed = false;
  let damaged = false;
  for (let index = 0; index < frames; index++) {
    const length = misfit ? frameHeaderBytes : frame.byteLength;
    readSync(handle, frame, 0, length, headerBytes + index * frame.byteLength);
    // The salts tell the frames of this log from those of an earlier one.
    const isOurs = frame.compare(header, 16, 24, 8, 16) === 0;
    if (!misfit) {
      const next = add(add(sum, frame.subarray(0, 8), bigEndian), frame.subarray(frameHeaderBytes), bigEndian);
      if (isOurs && fits(next, frame, 16)) {
        sum = next;
        continue;
      }
    }
    if (isOurs && committed) damaged = true;
    if (isOurs || !misfit) unused += 1;
    // The second number is the size of the file after a commit, and 0 within a commit.
    if ((isOurs || !misfit) && frame.readUInt32BE(4) !== 0) committed = true;
    misfit = true;
  }
  return damaged ? { damage: 'the write-ahead log is damaged before its end', frames: unused } : undefined;
}

const framesIn = (size: number, pageBytes: number) => Math.floor((size - headerBytes) / (frameHeaderBytes + pageBytes));

function isHeader(header: Buffer, pageBytes: number): boolean {
  const isPower = (pageBytes & (pageBytes - 1)) === 0 && pageBytes >= 512 && pageBytes <= 65_536;
  return (header.readUInt32BE(0) & ~1) === magic && header.readUInt32BE(4) === version && isPower;
}

type Sum = readonly [number, number];

const fits = ([first, second]: Sum, bytes: Buffer, at: number) =>
  bytes.readUInt32BE(at) === first && bytes.readUInt32BE(at + 4) === second;

/** See "Checksum Algorithm" in the format. */
function add([first, second]: Sum, bytes: Buffer, bigEndian: boolean): Sum {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let [a, b] = [first, second];
  for (let at = 0; at < bytes.byteLength; at += 8) {
    a = (a + view.getUint32(at, !bigEndian) + b) >>> 0;
    b = (b + view.getUint32(at + 4, !bigEndian) + a) >>> 0;
  }
  return [a, b];
}
